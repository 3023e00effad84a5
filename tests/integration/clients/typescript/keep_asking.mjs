// Asks for a prediction again and again, several at a time, until its input ends; then prints how many answers each
// version gave and which calls failed. Says "asking" after the first answers.
// node keep_asking.mjs CLIENT URL CALLERS SETTINGS

const [, , module, url, callers, settings] = process.argv;
const { Client } = await import(module);
const client = new Client(url, JSON.parse(settings));
const [example] = (await client.metadata("digits")).manifest.golden_examples;

let ended = false;
process.stdin.on("end", () => {
  ended = true;
});
process.stdin.resume();

const versions = {};
const failures = [];
let told = false;

async function ask() {
  while (!ended) {
    try {
      const { version, label } = await client.predict("digits", example.instance);
      versions[version] = (versions[version] ?? 0) + 1;
      if (label === undefined) {
        throw new Error("a classifier's answer without a label");
      }
    } catch (error) {
      failures.push(String(error));
    }
    if (!told) {
      told = true;
      console.log("asking");
    }
  }
}

await Promise.all(Array.from({ length: Number(callers) }, ask));
console.log(JSON.stringify({ versions, failures }));
