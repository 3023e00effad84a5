/**
 * Somebody tries the models: draws a digit, fills in a patient, gets a field wrong, and does it all by keys.
 */

import { answered, draw, play, textOf, three, url } from "./browser.mjs";

await play(async (open) => ({
  drawn: await drawn(open),
  patient: await patient(open),
  wrong: await wrong(open),
  keys: await keys(open),
}));

async function drawn(open) {
  const page = await open();
  await page.goto(`${url}/#/digits`);
  await draw(page, three());
  await answered(page);
  const found = {
    label: await textOf(page, "[data-answer=label]"),
    version: await textOf(page, "[data-answer=version]"),
    bars: await page.locator(".bars li").count(),
    stages: await page.locator(".legend li").allTextContents(),
    pixels: await page.locator(".seen img").evaluate((image) => [image.naturalWidth, image.naturalHeight]),
    calls: await calls(page),
  };
  await page.getByRole("button", { name: "Clear" }).click();
  await page.locator("[data-outcome=none]").waitFor();
  await page.getByRole("button", { name: "Predict" }).click();
  return { ...found, cleared: await textOf(page, ".field .problem") };
}

async function calls(page) {
  const found = {};
  for (const name of ["curl", "Python", "TypeScript"]) {
    await page.getByRole("tab", { name }).click();
    found[name] = await textOf(page, ".copy code");
  }
  return found;
}

async function patient(open) {
  const page = await open();
  await page.goto(`${url}/#/diabetes`);
  const ages = [await page.getByLabel("age years").inputValue()];
  await page.getByRole("button", { name: "Example 2" }).click();
  ages.push(await page.getByLabel("age years").inputValue());
  await page.getByLabel("bmi kg/m^2").fill("30.5");
  await page.getByRole("button", { name: "Predict" }).click();
  await answered(page);
  return {
    ages,
    hint: await textOf(page, ".field:has([data-field=bmi]) .hint"),
    value: await textOf(page, "[data-answer=value]"),
    unit: await textOf(page, "[data-answer=unit]"),
    calls: await calls(page),
  };
}

async function wrong(open) {
  const page = await open();
  await page.goto(`${url}/#/diabetes`);
  const field = page.getByLabel("bmi kg/m^2");
  await field.fill("413");
  await page.getByRole("button", { name: "Predict" }).click();
  await page.locator("[data-outcome=failed]").waitFor();
  const told = {
    invalid: await page.locator("[aria-invalid=true]").evaluateAll((all) => all.map((one) => one.dataset.field)),
    described: await field.evaluate((input) =>
      input
        .getAttribute("aria-describedby")
        .split(" ")
        .map((id) => document.getElementById(id).textContent),
    ),
    focused: await page.evaluate(() => document.activeElement.dataset.field),
    id: await textOf(page, ".answer code"),
  };
  await field.fill("41.3");
  return { ...told, left: await page.locator("[aria-invalid=true]").count() };
}

async function keys(open) {
  const page = await open();
  await page.goto(`${url}/#/diabetes`);
  await page.getByLabel("age years").waitFor();
  const passed = [];
  for (let presses = 0; presses < 40 && passed.at(-1) !== "age"; presses++) {
    await page.keyboard.press("Tab");
    passed.push(
      await page.evaluate(() => document.activeElement.dataset.field ?? document.activeElement.textContent.trim()),
    );
  }
  const outlined = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  await page.keyboard.type("60");
  await page.keyboard.press("Enter");
  await answered(page);
  const region = page.locator("[data-spoken]");
  return {
    first: passed[0],
    reached: passed.at(-1),
    outlined,
    age: await page.getByLabel("age years").inputValue(),
    role: await region.getAttribute("role"),
    heard: await region.textContent(),
  };
}
