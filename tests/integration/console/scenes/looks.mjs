/**
 * The page with an answer and with an error, light, dark and on a phone, looked over by axe; and how wide it is.
 */

import { answered, axe, draw, play, three, url } from "./browser.mjs";

const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
};

await play(async (open) => {
  const found = {};
  for (const [name, options] of Object.entries(LOOKS)) {
    const page = await open({ ...options, reducedMotion: "reduce" });
    await page.addInitScript({ path: axe });
    await page.goto(`${url}/#/digits`);
    await draw(page, three());
    await answered(page);
    found[name] = { answer: await look(page) };
    await page.getByRole("link", { name: /^diabetes/ }).click();
    await page.getByLabel("bmi kg/m^2").fill("no number");
    await page.getByRole("button", { name: "Predict" }).click();
    await page.locator("[data-outcome=failed]").waitFor();
    found[name].error = await look(page);
  }
  return found;
});

async function look(page) {
  return await page.evaluate(async () => {
    const { violations, passes } = await globalThis.axe.run();
    return {
      passes: passes.length,
      grave: violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(" ")}`),
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    };
  });
}
