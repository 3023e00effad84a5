import assert from "node:assert/strict";
import { test } from "node:test";
import type { Prediction } from "@penstock/client";
import { barsOf, partsOf, spoken } from "../src/core/answers.js";

const TIMING = {
  decodeSeconds: 0.001,
  queueSeconds: 0.002,
  backendSeconds: undefined,
  encodeSeconds: 0.0005,
  batchRows: 1,
  cache: undefined,
};
const NOTHING: Prediction = {
  label: undefined,
  probabilities: {},
  value: undefined,
  unit: undefined,
  target: undefined,
  outputs: {},
  version: 2,
  requestId: "a",
  timing: TIMING,
};

test("few classes keep their order, many are sorted and the rest summed", () => {
  assert.deepEqual(
    barsOf({ ...NOTHING, probabilities: { b: 0.2, a: 0.8 } }).map((bar) => bar.label),
    ["b", "a"],
  );
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, place) => [`c${place}`, place / 190]));
  const bars = barsOf({ ...NOTHING, probabilities: many });
  assert.equal(bars.length, 10);
  assert.equal(bars[0]?.label, "c19");
  assert.equal(bars.at(-1)?.label, "11 others");
  assert.ok(Math.abs(bars.reduce((sum, bar) => sum + bar.part, 0) - 1) < 1e-9);
});

test("stages that the gateway did not tell are left out", () => {
  assert.deepEqual(
    partsOf(TIMING).map((part) => part.name),
    ["decode", "queue", "encode"],
  );
});

test("the answer is one sentence with what matters", () => {
  const three = { ...NOTHING, label: "3", probabilities: { "3": 0.987, "8": 0.013 } };
  assert.equal(spoken(three), "3, 98.7 %, in 3.50 ms, by version 2");
  const value = { ...NOTHING, value: 207.14, unit: "mg/dL", target: "glucose" };
  assert.equal(spoken(value), "glucose 207.1 mg/dL, in 3.50 ms, by version 2");
});
