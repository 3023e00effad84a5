// Opens the example page in a real browser, asks in it, and prints what a person would see; a picture goes to PNG.
// node page.mjs PLAYWRIGHT CHROMIUM PAGE PICTURE PNG

const [, , playwright, executablePath, page, picture, png] = process.argv;
const { chromium } = await import(playwright);
// Its own sandbox, and a large /dev/shm, are what containers run by root do not have.
const args = ["--disable-dev-shm-usage", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])];
const browser = await chromium.launch({ executablePath, args });
const tab = await browser.newPage({ viewport: { width: 900, height: 800 } });
const requested = [];
const faults = [];
tab.on("request", (request) => requested.push(request.url()));
tab.on("pageerror", (error) => faults.push(String(error)));
const seen = (selector) => tab.waitForSelector(`${selector}:not([hidden])`);
const text = async (selector) => (await seen(selector)).textContent();

await tab.goto(page);
await seen("#question");
await tab.selectOption("#model", "diabetes");
await seen("[name=bmi]");
await tab.fill("[name=bmi]", "32.1");
await tab.click("#ask");
const regression = { said: await text("#said"), facts: await text("#facts") };

await tab.fill("[name=age]", "old");
await tab.click("#ask");
const wrong = { said: await text("#error"), field: await tab.getAttribute(".wrong", "id") };

await tab.selectOption("#model", "digits");
await seen("[name=image]");
await tab.setInputFiles("[name=image]", picture);
await tab.click("#ask");
const classification = { said: await text("#said"), facts: await text("#facts"), bars: await tab.locator(".bar").count() };
await tab.screenshot({ path: png, fullPage: true });

await tab.fill("#url", "http://127.0.0.1:9");
await tab.click("#where button");
const unreachable = await text("#error");
await browser.close();
console.log(JSON.stringify({ regression, wrong, classification, unreachable, requested, faults }));
