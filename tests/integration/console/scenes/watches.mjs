/**
 * Somebody leaves the page open while a version is published.
 */

import { play, please, textOf, url } from "./browser.mjs";

await play(async (open) => {
  const page = await open();
  await page.goto(`${url}/#/digits`);
  await page.locator("[data-version='1'] .chip.good").waitFor();
  const before = await page.locator("[data-version]").count();
  await page.getByRole("button", { name: "Example 1" }).click();
  await page.locator("[data-answer=version]", { hasText: "1" }).waitFor();
  please("publish");
  await page.locator("[data-version='2'] .chip.good").waitFor();
  await page.locator("[data-version='2'] .share", { hasText: "100 %" }).waitFor();
  const said = await textOf(page, "body > div > [role=status]");
  await page.getByRole("button", { name: "Example 1" }).click();
  await page.locator("[data-answer=version]", { hasText: "2" }).waitFor();
  const [report] = await Promise.all([
    page.context().waitForEvent("page"),
    page.locator("[data-version='2']").getByRole("link").click(),
  ]);
  await report.waitForLoadState();
  const rate = page.getByRole("figure").filter({ hasText: "Requests per second" }).locator(".value");
  await rate.filter({ hasText: /[1-9]/ }).waitFor();
  return { before, said, report: await report.title(), charts: await page.locator(".u-wrap canvas").count() };
});
