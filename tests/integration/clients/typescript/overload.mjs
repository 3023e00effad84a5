// Sends more rows at once than the gateway's queue holds, and prints what came of it and what was refused on the way.
// node overload.mjs CLIENT URL

const [, , module, url] = process.argv;
const { Client } = await import(module);
const statuses = {};

async function counting(input, init) {
  const answer = await fetch(input, init);
  statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
  return answer;
}

const client = new Client(url, { timeoutSeconds: 100, fetch: counting });
const { manifest } = await client.metadata("digits");
const [example] = manifest.golden_examples;
const rows = Array.from({ length: 256 }, () => example.instance);
const predictions = await client.predictMany("digits", rows, { chunkRows: 32, concurrency: 8 });
console.log(JSON.stringify({ rows: predictions.length, labels: [...new Set(predictions.map(({ label }) => label))], statuses }));
