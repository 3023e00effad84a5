/**
 * Debian's Chromium on the console's page, as every scene uses it: what it loads, what it complains about, and a way to
 * ask the test for something in between.
 */

import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";

const [, , console_, url] = process.argv;
const need = createRequire(join(console_, "package.json"));
const { chromium } = need("playwright-core");

export { url };
export const axe = need.resolve("axe-core/axe.min.js");
/** Far beyond what anything takes. */
export const BOUND_MILLISECONDS = 30_000;

/** Asks the test, which reads the lines of this process, to do something; what follows waits for its effect. */
export function please(wish) {
  process.stdout.write(`${JSON.stringify({ please: wish })}\n`);
}

/** Runs the scene and tells what came of it, and what the browser saw beside it. */
export async function play(scene) {
  const browser = await chromium.launch({
    executablePath: process.env.PENSTOCK_CHROMIUM || "/usr/bin/chromium",
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  const seen = { outside: [], complaints: [], violations: [] };
  try {
    const found = await scene((options) => page(browser, seen, options));
    process.stdout.write(`${JSON.stringify({ found, ...seen })}\n`);
  } finally {
    await browser.close();
  }
}

async function page(browser, seen, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const opened = await context.newPage();
  opened.setDefaultTimeout(BOUND_MILLISECONDS);
  await opened.exposeFunction("violated", (what) => seen.violations.push(what));
  await opened.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      globalThis.violated(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  opened.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith(`blob:${url}`)) {
      seen.outside.push(request.url());
    }
  });
  opened.on("pageerror", (error) => seen.complaints.push(error.message));
  opened.on("console", (message) => {
    // of refused requests the browser's own log says so, too
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      seen.complaints.push(message.text());
    }
  });
  return opened;
}

/** A 3 in two arcs, in parts of the pad's sides. */
export function three() {
  return [...arc(0.5, 0.35, 0.15, -150, 90), ...arc(0.5, 0.65, 0.16, -90, 150)];
}

function arc(across, down, radius, from, to) {
  const steps = 14;
  return Array.from({ length: steps + 1 }, (_, step) => {
    const angle = ((from + ((to - from) * step) / steps) * Math.PI) / 180;
    return [across + radius * Math.cos(angle), down + radius * Math.sin(angle)];
  });
}

/** With the mouse, in one stroke. */
export async function draw(opened, points) {
  const pad = opened.getByRole("img", { name: /Drawing pad/ });
  await pad.scrollIntoViewIfNeeded();
  const box = await pad.boundingBox();
  const at = ([across, down]) => [box.x + across * box.width, box.y + down * box.height];
  await opened.mouse.move(...at(points[0]));
  await opened.mouse.down();
  for (const point of points) {
    await opened.mouse.move(...at(point));
  }
  await opened.mouse.up();
}

export const answered = (opened) => opened.locator("[data-outcome=answered]").waitFor();
export const textOf = async (opened, selector) => (await opened.locator(selector).textContent())?.trim();
