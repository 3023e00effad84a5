/** Which errors are worth another attempt, when, and how many in all. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as errors from "../src/errors.js";
import { endsByItself, RetryBudget, waitSeconds } from "../src/retries.js";

test("only what ends by itself is tried again", () => {
  const worth = Object.values(errors).filter((kind) => endsByItself(new kind("x")));
  assert.deepEqual(
    new Set(worth.map((kind) => kind.name)),
    new Set(["ConnectionFailed", "Overloaded", "ModelNotReady", "BackendUnavailable", "BackendOverloaded"]),
  );
  assert.equal(endsByItself(new TypeError("x")), false);
});

test("a quota is waited for where somebody says how long", () => {
  assert.equal(endsByItself(new errors.QuotaExceeded("x", { retryAfterSeconds: 3 })), true);
});

test("waits double up to two seconds and are drawn from all of their range", () => {
  const longest = [1, 2, 3, 4, 5, 6, 20].map((failed) => waitSeconds(failed, undefined, 1));
  assert.deepEqual(longest, [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2]);
  assert.equal(waitSeconds(3, undefined, 0), 0);
  assert.equal(waitSeconds(3, undefined, 0.5), 0.2);
});

test("nobody comes back before the gateway said", () => {
  assert.equal(waitSeconds(1, 2, 0), 2);
  assert.equal(waitSeconds(2, 2, 0.5), 2.1);
});

test("the budget is ten retries at once, then one a second and one for ten calls", () => {
  const budget = new RetryBudget();
  const taken = (nowSeconds: number): number => {
    let count = 0;
    while (budget.take(nowSeconds)) {
      count += 1;
    }
    return count;
  };
  assert.equal(taken(0), 10);
  assert.equal(taken(0), 0);
  assert.equal(taken(2), 2);
  for (let call = 0; call < 51; call++) {
    budget.call(2);
  }
  assert.equal(taken(2), 5);
  assert.equal(taken(1000), 10);
});
