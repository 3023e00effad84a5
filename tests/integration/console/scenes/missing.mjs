/**
 * Figures that the gateway at hand does not send: none yet, none at all, no models, a split, drift.
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
  answer = async (route) => {
    const given = await (await route.fetch()).json();
    await route.fulfill({ json: { ...given, models: given.models.map(moving) } });
  };
  const rows = page.locator(".drift tbody tr");
  await rows.first().waitFor();
  const drift = await rows.evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  const shares = await page.locator(".versions .share .number").allTextContents();
  return { waiting, unreachable, empty, banners, drift, shares };
});

/** A canary that gets a tenth, and one feature that has moved. */
function moving(model) {
  const [version] = model.versions;
  return {
    ...model,
    labels: { stable: 8, canary: 9 },
    split: { stable: 90, canary: 10 },
    versions: [8, 9].map((number) => ({ ...version, version: number })),
    drift: { 9: { calm: { psi: 0.02, rows: 500 }, wild: { psi: 0.4, rows: 500 } } },
  };
}
