/**
 * The page while there is nothing to show: before the first figures, without models, and with nobody who answers.
 */

import { play, textOf, url } from "./browser.mjs";

const FIGURES = "**/console/figures";

await play(async (open) => {
  const page = await open();
  let answer = () => new Promise(() => {});
  await page.route(FIGURES, (route) => answer(route));
  await page.goto(url);
  const waiting = await textOf(page, "main p");
  answer = (route) => route.abort();
  await page.reload();
  await page.locator("[data-state=unreachable]").waitFor();
  const unreachable = await textOf(page, "[data-state] h2");
  answer = async (route) => {
    const given = await (await route.fetch()).json();
    await route.fulfill({ json: { ...given, models: [], backend: { ...given.backend, up: false } } });
  };
  await page.locator("[data-state=no-models]").waitFor();
  const empty = await textOf(page, "[data-state] h2");
  const banners = await page.locator("[data-banner]").count();
  answer = (route) => route.continue();
  await page.getByRole("link", { name: /^digits/ }).waitFor();
  return { waiting, unreachable, empty, banners };
});
