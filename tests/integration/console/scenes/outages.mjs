/**
 * Somebody leaves the page open while the model server goes away and comes back, and then the gateway itself.
 */

import { play, please, textOf, url } from "./browser.mjs";

await play(async (open) => {
  const page = await open();
  const heard = () => textOf(page, "body > div > [role=status]");
  await page.goto(`${url}/#/diabetes`);
  await page.getByLabel("bmi kg/m^2").fill("33.3");
  please("stop the model server");
  await page.locator("[data-banner=backend]").waitFor();
  const down = await heard();
  please("start the model server");
  await page.locator("[data-banner=backend]").waitFor({ state: "detached" });
  const up = await heard();
  await page.getByRole("button", { name: "Predict" }).click();
  await page.locator("[data-outcome=answered]").waitFor();
  please("stop the gateway");
  await page.locator("[data-banner=lost]").waitFor();
  const lost = await heard();
  await page.getByRole("button", { name: "Predict" }).click();
  await page.locator("[data-outcome=failed]").waitFor();
  please("start the gateway");
  await page.locator("[data-banner=lost]").waitFor({ state: "detached" });
  const back = await heard();
  return { down, up, lost, back, typed: await page.getByLabel("bmi kg/m^2").inputValue() };
});
