/** Many rows in several requests: their order, how many at once, and what ends them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { chunked, inParallel } from "../src/chunks.js";

test("rows are cut in order, the last piece is what is left", () => {
  assert.deepEqual(chunked([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
  assert.deepEqual(chunked([], 2), []);
});

test("results keep the order, whoever comes first, and no more are under way than allowed", async () => {
  const open: (() => void)[] = [];
  let [underWay, most] = [0, 0];
  const done = inParallel(
    [1, 2, 3, 4, 5],
    2,
    async (item) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise<void>((resolve) => open.push(resolve));
      underWay -= 1;
      return item * 10;
    },
    undefined,
  );
  for (let item = 0; item < 5; item++) {
    await new Promise((resolve) => setImmediate(resolve));
    open.pop()?.();
  }
  assert.deepEqual(await done, [10, 20, 30, 40, 50]);
  assert.equal(most, 2);
});

test("after a failure nothing more is begun, and what is under way is told", async () => {
  const begun: number[] = [];
  let told: unknown;
  const done = inParallel(
    [1, 2, 3, 4],
    2,
    (item, _, signal) => {
      begun.push(item);
      return item === 2
        ? Promise.reject(new Error("two"))
        : new Promise<never>((_, reject) => {
            signal.addEventListener("abort", () => {
              told = signal.reason;
              reject(signal.reason);
            });
          });
    },
    undefined,
  );
  await assert.rejects(done, /two/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun, [1, 2]);
  assert.match(String(told), /two/);
});

test("who is not told of a failure in time finishes, and begins nothing more", async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    await new Promise((resolve) => setImmediate(resolve));
    if (item === 2) {
      throw new Error("two");
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  await assert.rejects(inParallel([1, 2, 3, 4], 2, work, undefined), /two/);
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(begun, [1, 2]);
});
