/** Bodies and headers of the gateway as the caller reads them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { errorFrom } from "../src/errorAnswers.js";
import * as errors from "../src/errors.js";
import { type ModelMetadata, readMetadata, readModels, readStatus } from "../src/metadata.js";
import { readPrediction } from "../src/prediction.js";
import { reading } from "../src/reading.js";
import { readTiming } from "../src/serverTiming.js";
import type { MetadataAnswer } from "../src/wire.js";

const TIMING = 'decode;dur=0.5, queue;dur=2, backend;dur=1.25, encode;dur=0.1, batch;desc="12 rows", cache;desc="hit"';
const HEAD = { requestId: "r1", timing: readTiming(TIMING) };
const CLASSIFIER: ModelMetadata = {
  model: "digits",
  version: 3,
  features: [],
  outputNames: ["probabilities"],
  task: "classification",
  labels: ["7", "1", "__proto__"],
  target: undefined,
  unit: undefined,
  description: "",
  manifest: undefined,
};
const REGRESSOR: ModelMetadata = {
  ...CLASSIFIER,
  task: "regression",
  outputNames: ["value"],
  target: "age",
  unit: "a",
};

test("a classifier's row has the most probable label", () => {
  const prediction = readPrediction([0.2, 0.3, 0.5], CLASSIFIER, HEAD);
  assert.equal(prediction.label, "__proto__");
  assert.equal(prediction.probabilities["1"], 0.3);
  assert.equal(Object.entries(prediction.probabilities).length, 3);
  assert.deepEqual(prediction.outputs, { probabilities: [0.2, 0.3, 0.5] });
  assert.deepEqual([prediction.version, prediction.requestId, prediction.value], [3, "r1", undefined]);
});

test("of equal labels the first counts, and a number the model could not compute never", () => {
  assert.equal(readPrediction([0.4, 0.4, 0.2], CLASSIFIER, HEAD).label, "7");
  const prediction = readPrediction([null, 0.1, 0.2], CLASSIFIER, HEAD);
  assert.equal(prediction.label, "__proto__");
  assert.ok(Number.isNaN(prediction.probabilities["7"]));
  assert.equal(readPrediction([null, null, null], CLASSIFIER, HEAD).label, undefined);
});

test("a regressor's row has a value of its target", () => {
  const { value, target, unit, label } = readPrediction([12.5], REGRESSOR, HEAD);
  assert.deepEqual([value, target, unit, label], [12.5, "age", "a", undefined]);
});

test("a model without a manifest has outputs alone", () => {
  const bare = { ...CLASSIFIER, task: undefined, outputNames: ["x", "y"] };
  const prediction = readPrediction({ x: [1], y: 2 }, bare, HEAD);
  assert.deepEqual(prediction.outputs, { x: [1], y: 2 });
  assert.deepEqual([prediction.label, prediction.value, prediction.probabilities], [undefined, undefined, {}]);
});

test("a prediction cannot be changed", () => {
  const prediction = readPrediction([12.5], REGRESSOR, HEAD);
  assert.throws(() => Object.assign(prediction, { value: 1 }), TypeError);
  assert.throws(() => Object.assign(prediction.outputs, { value: 1 }), TypeError);
  assert.throws(() => Object.assign(prediction.timing, { cache: "" }), TypeError);
});

test("a row that does not fit its version is an unexpected answer", () => {
  for (const row of [[0.5], "spam", null, ["a", 0, 1]]) {
    assert.throws(() => reading("the row", () => readPrediction(row, CLASSIFIER, HEAD)), errors.UnexpectedAnswer);
  }
  assert.throws(() => reading("the row", () => readPrediction([1, 2], REGRESSOR, HEAD)), errors.UnexpectedAnswer);
});

test("server timing is read in seconds, and what is not said is undefined", () => {
  assert.deepEqual(readTiming(TIMING), {
    decodeSeconds: 0.0005,
    queueSeconds: 0.002,
    backendSeconds: 0.00125,
    encodeSeconds: 0.0001,
    batchRows: 12,
    cache: "hit",
  });
  const nothing = readTiming(undefined);
  assert.deepEqual(new Set(Object.values(nothing)), new Set([undefined]));
  assert.deepEqual(readTiming("a proxy, queue; dur=3"), { ...nothing, queueSeconds: 0.003 });
});

test("metadata come from the manifest, masks left out", () => {
  const features = [
    { kind: "number", name: "age", dtype: "float32", unit: "years" },
    { kind: "tensor", name: "mask", dtype: "float32", shape: [null], mask_of: "tokens" },
  ] as const;
  const manifest = { features, outputs: { task: "regression", target: "cost", unit: "EUR" } as const, signatures: {} };
  const answer: MetadataAnswer = {
    model_spec: { name: "cars", version: "12" },
    metadata: {
      signature_def: { signature_def: {} },
      manifest: { ...manifest, signatures: { serving_default: { outputs: [{ name: "value" }] } } },
    },
  };
  const metadata = readMetadata(answer);
  assert.deepEqual([metadata.version, metadata.target, metadata.unit], [12, "cost", "EUR"]);
  const age = { kind: "number", name: "age", dtype: "float32", shape: [], unit: "years", description: "" };
  assert.deepEqual(metadata.features, [age]);
});

test("without a manifest the signature speaks", () => {
  const dim = [{ size: "-1" }, { size: "8" }, { size: "-1" }];
  const tensor = { dtype: "DT_FLOAT", tensor_shape: { dim } };
  const signature = { inputs: { x: tensor }, outputs: { y: tensor } };
  const metadata = readMetadata({
    model_spec: { name: "raw", version: "1" },
    metadata: { signature_def: { signature_def: { serving_default: signature } } },
  });
  assert.deepEqual(metadata.features[0]?.shape, [8, null]);
  assert.deepEqual([metadata.outputNames, metadata.task], [["y"], undefined]);
});

test("status and models are lists", () => {
  const status = { error_code: "INTERNAL", error_message: "no such file" };
  assert.deepEqual(readStatus({ model_version_status: [{ version: "4", state: "END", status }] }), [
    { version: 4, state: "END", message: "no such file" },
  ]);
  assert.deepEqual(readModels({ models: [{ name: "a", versions: ["1"], labels: {} }] }), ["a"]);
});

function answered(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): errors.PenstockError {
  return errorFrom({ status, headers, body: typeof body === "string" ? body : JSON.stringify(body) });
}

test("an error is known by its code, with its field and id", () => {
  const body = { error: "too old", code: "OutOfRange", field: "/instances/0/age", request_id: "r9" };
  const error = answered(400, body);
  assert.ok(error instanceof errors.OutOfRange && error instanceof errors.InvalidInput);
  assert.deepEqual([error.name, error.message], ["OutOfRange", "too old"]);
  assert.deepEqual([error.field, error.requestId], ["/instances/0/age", "r9"]);
});

test("a code that is not known, or none, leaves it to the status", () => {
  assert.ok(answered(400, { error: "x", code: "FromTheFuture" }) instanceof errors.InvalidInput);
  assert.ok(answered(404, { error: "x" }) instanceof errors.UnknownModel);
  assert.ok(answered(429, { error: "x", code: "ConnectionFailed" }) instanceof errors.QuotaExceeded);
  assert.ok(answered(418, { error: "x" }) instanceof errors.UnexpectedAnswer);
});

test("retry-after counts in seconds, and a date is left alone", () => {
  const overloaded = answered(503, { error: "x", code: "Overloaded" }, { "retry-after": "3" });
  assert.ok(overloaded instanceof errors.Overloaded);
  assert.equal(overloaded.retryAfterSeconds, 3);
  assert.equal(answered(503, { error: "x" }, { "retry-after": "Wed, 21 Oct" }).retryAfterSeconds, undefined);
});

test("a proxy's page keeps its status's meaning, unless the URL is likelier wrong", () => {
  const gone = answered(502, "<html>bad gateway</html>", { "x-request-id": "p1" });
  assert.ok(gone instanceof errors.BackendUnavailable);
  assert.match(gone.message, /status 502 .*<html>bad gateway/);
  assert.equal(gone.requestId, "p1");
  const lost = answered(404, "not here");
  assert.ok(lost instanceof errors.UnexpectedAnswer);
  assert.match(lost.message, /is the URL that of Penstock's gateway\? not here/);
});
