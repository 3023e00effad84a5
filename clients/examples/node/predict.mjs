// Ask a gateway from the command line: `node predict.mjs MODEL FILE...` or `node predict.mjs MODEL NAME=VALUE...`.
// GATEWAY names the gateway, the one of `make up` by default.

import { readFile } from "node:fs/promises";
import process from "node:process";
import { Client, PenstockError } from "../../typescript/dist/index.js"; // in a project of your own: "@penstock/client"

const [model, ...given] = process.argv.slice(2);
const client = new Client(process.env.GATEWAY ?? "http://127.0.0.1:8080", { timeoutSeconds: 5 });

/** One record of NAME=VALUE, or the bytes of each file. */
async function inputs() {
  if (given.every((argument) => argument.includes("="))) {
    const pairs = given.map((argument) => argument.split(/=(.*)/s));
    return [Object.fromEntries(pairs.map(([name, value]) => [name, value === "" || Number.isNaN(Number(value)) ? value : Number(value)]))];
  }
  return await Promise.all(given.map((path) => readFile(path)));
}

function told(prediction) {
  if (prediction.value !== undefined) {
    return `${prediction.target} = ${prediction.value.toFixed(1)} ${prediction.unit}`.trim();
  }
  if (prediction.label !== undefined) {
    return `${prediction.label}  ${(100 * prediction.probabilities[prediction.label]).toFixed(1)}%`;
  }
  return JSON.stringify(prediction.outputs);
}

if (model === undefined || given.length === 0) {
  console.error("usage: node predict.mjs MODEL FILE... | MODEL NAME=VALUE...");
  process.exitCode = 2;
} else {
  try {
    for (const prediction of await client.predictMany(model, await inputs())) {
      console.log(told(prediction));
    }
  } catch (error) {
    if (!(error instanceof PenstockError)) {
      throw error;
    }
    console.error(`${error.name}: ${error.message}${error.field ? ` (at ${error.field})` : ""}`);
    process.exitCode = 1;
  }
}
