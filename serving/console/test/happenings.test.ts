import assert from "node:assert/strict";
import { test } from "node:test";
import { happenings } from "../src/core/happenings.js";
import { figures, model, version } from "./documents.js";

const quiet = figures(1, [model()]);

test("numbers that move are not worth saying", () => {
  const busy = figures(2, [model({ requests: { "200": 9 }, versions: [version(1, { requests: 9 })] })]);
  assert.deepEqual(happenings(quiet, busy), []);
});

test("a version is announced when it answers, not while it loads", () => {
  const loading = figures(2, [model({ versions: [version(1), version(2, { state: "LOADING", is_live: false })] })]);
  const live = figures(3, [model({ versions: [version(1), version(2)] })]);
  assert.deepEqual(happenings(quiet, loading), []);
  assert.deepEqual(happenings(loading, live), ["digits version 2 is available."]);
});

test("a version that fails is announced once, with its reason", () => {
  const failed = figures(2, [
    model({ versions: [version(1), version(2, { is_live: false, error: "no SavedModel" })] }),
  ]);
  assert.deepEqual(happenings(quiet, failed), ["digits version 2: no SavedModel"]);
  assert.deepEqual(happenings(failed, failed), []);
});

test("the backend's going and coming is announced", () => {
  const gone = version(1, { is_live: false, error: "no model server answers" });
  const down = figures(2, [model({ versions: [gone] })], { backend: { name: "tfserving", up: false } });
  assert.deepEqual(happenings(quiet, down), ["The backend does not answer."]);
  assert.deepEqual(happenings(down, quiet), ["The backend answers again."]);
});

test("a new model is announced by its name", () => {
  assert.deepEqual(happenings(figures(1, []), quiet), ["New model: digits."]);
});
