// Gives calls up while they are under way: on their connections to the gateway, and while they wait to try again.
// node abort.mjs CLIENT URL

const [, , module, url] = process.argv;
const { Client } = await import(module);
const controller = new AbortController();

const client = new Client(url, { fetch: abortingFetch, retries: 0 });
const patients = Array.from({ length: 20_000 }, () => ({ age: 59, sex: 2, bmi: 32, bp: 101, s1: 157, s2: 93, s3: 38, s4: 4, s5: 4.8, s6: 87 }));
await client.metadata("diabetes");

/** Aborts once a prediction is on its way. */
function abortingFetch(input, init) {
  const sent = fetch(input, init);
  if (String(input).endsWith(":predict")) {
    setImmediate(() => controller.abort());
  }
  return sent;
}

async function failure(call) {
  try {
    await call;
    return "answered";
  } catch (error) {
    return error.name;
  }
}

const underWay = await failure(client.predictMany("diabetes", patients, { signal: controller.signal, concurrency: 6 }));
const waiting = new AbortController();
const nobody = new Client("http://127.0.0.1:9", { retries: 1000, fetch: refusedFetch, timeoutSeconds: 600 });
async function refusedFetch() {
  setImmediate(() => waiting.abort(new RangeError("no longer")));
  return new Response('{"error": "full", "code": "Overloaded"}', { status: 503, headers: { "retry-after": "300" } });
}
const whileWaiting = await failure(nobody.models({ signal: waiting.signal }));
const after = (await new Client(url).predict("diabetes", patients[0])).value;
console.log(JSON.stringify({ underWay, whileWaiting, after }));
