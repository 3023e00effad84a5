/** Many rows as one call: cut, sent some at a time, tried again, put together; a wrong row is named by its place. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as errors from "../src/errors.js";
import { good, instances, json, refused, spamWorld } from "./world.js";

test("many rows are cut, sent some at a time and put together in order", async () => {
  const world = spamWorld((_, asked) =>
    json({ predictions: instances(asked).map((text) => [Number(text) / 100, 1 - Number(text) / 100]) }),
  );
  const progress: [number, number][] = [];
  const rows = Array.from({ length: 10 }, (_, row) => String(row));
  const onProgress = (done: number, all: number) => progress.push([done, all]);
  const predictions = await world.client().predictMany("spam", rows, { chunkRows: 4, concurrency: 2, onProgress });
  assert.deepEqual(
    predictions.map((prediction) => prediction.probabilities["ham"]),
    rows.map((row) => Number(row) / 100),
  );
  assert.equal(world.predictions.length, 3);
  assert.deepEqual(progress.at(-1), [10, 10]);
});

test("many rows wait out an overload, each request within its time", async () => {
  const full = () => refused(503, "Overloaded", { retryAfter: "1" });
  const world = spamWorld((number, asked) => (number <= 40 ? full() : good(asked)));
  const client = world.client({ timeoutSeconds: 60 });
  const many = client.predictMany("spam", ["a", "b", "c", "d"], { chunkRows: 1, concurrency: 4 });
  assert.equal((await world.come(many)).length, 4);
  assert.equal(world.predictions.length, 44);
  assert.ok(world.nowSeconds > 100 + 25); // 40 retries, of which the budget lets 10 at once and one a second

  const always = spamWorld(full);
  await assert.rejects(always.come(always.client().predictMany("spam", ["a"])), errors.Overloaded);
  const impatient = spamWorld(full);
  await assert.rejects(impatient.come(impatient.client({ retries: 0 }).predictMany("spam", ["a"])), errors.Overloaded);
  assert.equal(impatient.predictions.length, 1);
});

test("the field of a wrong row counts from the first of all rows", async () => {
  const world = spamWorld((number, asked) =>
    number === 2 ? refused(400, "WrongDtype", { field: "/instances/1/text" }) : good(asked),
  );
  const many = world.client().predictMany("spam", ["a", "b", "c", "d"], { chunkRows: 2, concurrency: 1 });
  await assert.rejects(many, (error: errors.PenstockError) => {
    assert.ok(error instanceof errors.WrongDtype);
    assert.deepEqual([error.field, error.requestId], ["/instances/3/text", "r7"]);
    return true;
  });
});
