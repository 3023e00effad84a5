// Asks a real gateway in every form that the client takes, and prints what came as JSON on the last line.
// node ask.mjs CLIENT URL PICTURE

import { readFile } from "node:fs/promises";

const [, , module, url, picture] = process.argv;
const { Client } = await import(module);
const client = new Client(url, { timeoutSeconds: 20 });

async function failure(call) {
  try {
    await call();
  } catch ({ name, message, field, requestId, retryAfterSeconds }) {
    return { name, message, field, requestId, retryAfterSeconds };
  }
  return undefined;
}

const bytes = await readFile(picture);
const digits = await client.metadata("digits");
const { manifest } = await client.metadata("diabetes");
const pixels = digits.manifest.golden_examples[0].instance;
const patient = manifest.golden_examples[0].instance;
const flat = Float32Array.from(pixels.flat());
const numbers = Float64Array.from(manifest.features.map(({ name }) => patient[name]));

const forms = {
  list: await client.predict("digits", pixels),
  typed: await client.predict("digits", flat),
  listed: (await client.predict("digits", [pixels]))[0],
  record: await client.predict("digits", { image: pixels }),
  many: (await client.predictMany("digits", Array(5).fill(pixels), { chunkRows: 2 }))[4],
};
const pictures = {
  bytes: await client.predict("digits", bytes),
  blob: await client.predict("digits", new Blob([bytes])),
  buffer: await client.predict("digits", bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)),
  listed: (await client.predict("digits", [new Blob([bytes])]))[0],
  record: await client.predict("digits", { image: new Blob([bytes]) }),
};
const patients = {
  record: await client.predict("diabetes", patient),
  listed: (await client.predict("diabetes", [patient]))[0],
  typed: await client.predict("diabetes", numbers),
  many: (await client.predictMany("diabetes", numbers))[0],
};
const told = await client.predict("diabetes", patient, { requestId: "mine", version: 1, priority: "high" });
const failures = {
  dtype: await failure(() => client.predict("diabetes", { ...patient, age: "old" })),
  missing: await failure(() => client.predict("diabetes", { age: 40 })),
  unknown: await failure(() => client.predict("diabetes", [patient, { ...patient, shoe: 43 }])),
  range: await failure(() => client.predict("diabetes", { ...patient, age: 4000 })),
  image: await failure(() => client.predict("digits", Uint8Array.of(1, 2, 3))),
  model: await failure(() => client.predict("nobody", patient)),
  version: await failure(() => client.predict("diabetes", patient, { version: 99 })),
  label: await failure(() => client.predict("diabetes", patient, { label: "best" })),
  late: await failure(() => client.predict("diabetes", patient, { timeoutSeconds: 1e-6 })),
  chunk: await failure(() =>
    client.predictMany("diabetes", [patient, patient, patient, { ...patient, bmi: "fat" }], { chunkRows: 2 }),
  ),
  address: await failure(() => new Client("http://127.0.0.1:9", { retries: 0 }).models()),
};
const models = await client.models();
const status = await client.status("digits");
console.log(JSON.stringify({ forms, pictures, patients, told, failures, models, status, digits }));
