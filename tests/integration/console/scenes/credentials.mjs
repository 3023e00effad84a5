/**
 * Somebody before a gateway that asks for a key: shows a wrong one, then a good one, looks at a report, and forgets it.
 * The key is in PENSTOCK_TEST_KEY; with PENSTOCK_TEST_PICTURES, what it looked like goes into that folder.
 */

import process from "node:process";
import { axe, play, textOf, url } from "./browser.mjs";

await play(async (open) => {
  const page = await open({ reducedMotion: "reduce" });
  await page.addInitScript({ path: axe });
  await page.goto(url);
  const field = page.getByLabel("API key or token");
  await field.waitFor();
  const grave = await gravest(page);
  await picture(page, "asks");
  await field.fill("psk_00000000wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  const refused = await textOf(page, ".credential [role=alert]");
  await field.fill(process.env.PENSTOCK_TEST_KEY);
  await page.getByRole("button", { name: "Show it" }).click();
  await page.getByRole("link", { name: /^diabetes/ }).click();
  await page.reload();
  await page.getByRole("button", { name: "Predict" }).click();
  await page.locator("[data-outcome=answered]").waitFor();
  const kept = await page.evaluate(() => [Object.keys(sessionStorage).length, Object.keys(localStorage).length]);
  await page.getByRole("button", { name: /^Training report/ }).first().click();
  const frame = page.frameLocator("dialog iframe");
  const heading = await frame.locator("h1").first().textContent();
  const inside = await page.locator("dialog iframe").evaluate(async (element) => {
    while (!element.contentDocument?.adoptedStyleSheets.length) {
      await new Promise((done) => requestAnimationFrame(done));
    }
    return {
      sheets: element.contentDocument.adoptedStyleSheets[0].cssRules.length > 0,
      images: [...element.contentDocument.images].every((image) => image.src.startsWith("data:")),
      sandbox: element.getAttribute("sandbox"),
    };
  });
  await picture(page, "report");
  await page.getByRole("button", { name: "Close the report" }).click();
  await page.getByRole("button", { name: "Forget the key" }).click();
  await field.waitFor();
  const forgotten = await page.evaluate(() => Object.keys(sessionStorage).length);
  return { grave, refused, kept, heading, inside, forgotten };
});

async function gravest(page) {
  return await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run();
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id }) => id);
  });
}

async function picture(page, name) {
  const folder = process.env.PENSTOCK_TEST_PICTURES;
  if (folder) {
    await page.screenshot({ path: `${folder}/${name}.png` });
  }
}
