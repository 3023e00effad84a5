import assert from "node:assert/strict";
import { test } from "node:test";
import { follows, quantile, sampled } from "../src/core/rates.js";
import { figures, model } from "./documents.js";

const before = model({
  requests: { "200": 100, "400": 10 },
  refused: { OutOfRange: 9, WrongDtype: 1 },
  rows: 200,
  latency: { bounds_seconds: [0.001, 0.01], counts: [100, 10, 0] },
  batch_rows: { bounds: [1, 2], counts: [50, 0, 0] },
});
const after = model({
  requests: { "200": 140, "400": 15 },
  refused: { OutOfRange: 10, WrongDtype: 5 },
  rows: 260,
  latency: { bounds_seconds: [0.001, 0.01], counts: [145, 10, 0] },
  batch_rows: { bounds: [1, 2], counts: [60, 5, 0] },
});

test("rates are differences over the gateway's own seconds", () => {
  const sample = sampled(figures(10, [before]), figures(15, [after]), "digits", 1700);
  assert.equal(sample.atSeconds, 1700);
  assert.equal(sample.requestsPerSecond, 9);
  assert.equal(sample.errorsPerSecond, 1);
  assert.equal(sample.reason, "WrongDtype");
  assert.equal(sample.rowsPerBatch, 4);
});

test("percentiles are of what came in between, not of all time", () => {
  const sample = sampled(figures(10, [before]), figures(15, [after]), "digits", 1700);
  assert.equal(sample.p50Seconds, 0.0005);
  assert.ok(Math.abs((sample.p99Seconds ?? 0) - 0.00099) < 1e-9);
});

test("nothing in between is no latency, and a rate of zero", () => {
  const sample = sampled(figures(10, [after]), figures(11, [after]), "digits", 1700);
  assert.equal(sample.requestsPerSecond, 0);
  assert.equal(sample.reason, "");
  assert.equal(sample.p99Seconds, null);
  assert.equal(sample.rowsPerBatch, null);
});

test("with one document only the present state is known", () => {
  const queue = { rows: 7, oldest_age_seconds: 0.2 };
  const sample = sampled(undefined, figures(11, [after], { queue }), "digits", 1700);
  assert.equal(sample.requestsPerSecond, null);
  assert.equal(sample.queueRows, 7);
  assert.equal(sample.oldestAgeSeconds, 0.2);
});

test("a clock or a count that falls means that the gateway began anew", () => {
  assert.equal(follows(figures(10, [before]), figures(11, [after])), true);
  assert.equal(follows(figures(10, [before]), figures(3, [after])), false);
  assert.equal(follows(figures(10, [after]), figures(11, [before])), false);
  assert.equal(follows(figures(10, [after]), figures(11, [])), true);
});

test("quantiles lie evenly within their bucket and end at the last bound", () => {
  assert.equal(quantile([1, 2, 4], [0, 10, 0, 0], 0.5), 1.5);
  assert.equal(quantile([1, 2, 4], [5, 0, 5, 0], 0.9), 3.6);
  assert.equal(quantile([1, 2, 4], [0, 0, 0, 3], 0.5), 4);
  assert.equal(quantile([1, 2, 4], [0, 0, 0, 0], 0.5), null);
});
