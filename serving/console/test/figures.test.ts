import assert from "node:assert/strict";
import { test } from "node:test";
import { healthOf, liveVersions, shareOf, totalErrors } from "../src/core/figures.js";
import { model, version } from "./documents.js";

const UP = { name: "embedded", up: true };

test("a split's weights become parts of the traffic", () => {
  const split = model({
    labels: { stable: 1, canary: 2 },
    split: { stable: 95, canary: 5 },
    versions: [version(1), version(2)],
  });
  assert.deepEqual(shareOf(split, 1), { labels: ["stable"], part: 0.95 });
  assert.deepEqual(shareOf(split, 2), { labels: ["canary"], part: 0.05 });
});

test("a label whose version is not live gets nothing of the traffic", () => {
  const versions = [version(1), version(2, { is_live: false })];
  const split = model({ labels: { stable: 1, canary: 2 }, split: { stable: 50, canary: 50 }, versions });
  assert.equal(shareOf(split, 1).part, 1);
  assert.equal(shareOf(split, 2).part, 0);
});

test("without a split all traffic goes to the version that answers", () => {
  const two = model({ answering_version: 1, versions: [version(1), version(2)] });
  assert.equal(shareOf(two, 1).part, 1);
  assert.equal(shareOf(two, 2).part, 0);
});

test("versions that are live stand newest first", () => {
  const three = model({ versions: [version(2), version(10), version(9, { is_live: false })] });
  assert.deepEqual(
    liveVersions(three).map((one) => one.version),
    [10, 2],
  );
});

test("health says whether requests are answered", () => {
  const loading = version(1, { state: "LOADING", is_live: false });
  const broken = version(2, { state: "END", is_live: false, error: "no SavedModel" });
  assert.equal(healthOf(model(), UP), "serving");
  assert.equal(healthOf(model({ versions: [loading] }), UP), "starting");
  assert.equal(healthOf(model({ versions: [version(1), broken] }), UP), "failing");
  assert.equal(healthOf(model({ versions: [broken] }), UP), "down");
  assert.equal(healthOf(model(), { name: "tfserving", up: false }), "down");
});

test("what is neither a status of 200 nor gRPC's OK is an error", () => {
  assert.equal(totalErrors(model({ requests: { "200": 5, OK: 3, "400": 2, "503": 1, UNAVAILABLE: 4 } })), 7);
});
