// Asks for a prediction again and again, several at a time, until its input ends, and once more; then prints how many
// answers each version gave, how many connections broke, and which calls failed. Says "asking" after the first answer.
// node keep_asking.mjs CLIENT URL CALLERS SETTINGS

const [, , module, url, callers, settings] = process.argv;
const { Client } = await import(module);
let broken = 0;
const client = new Client(url, { ...JSON.parse(settings), fetch: counting });

async function counting(input, init) {
  try {
    return await fetch(input, init);
  } catch (error) {
    broken += 1;
    throw error;
  }
}

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
  for (let last = false; !last; ) {
    last = ended;
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
console.log(JSON.stringify({ versions, broken, failures }));
