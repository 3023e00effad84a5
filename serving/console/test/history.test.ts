import assert from "node:assert/strict";
import { test } from "node:test";
import type { Figures } from "../src/core/figures.js";
import { type History, KEPT_SECONDS, missed, NO_HISTORY, observed, SPAN_SECONDS } from "../src/core/history.js";
import { figures, model } from "./documents.js";

/** A gateway asked ten times a second, looked at once a second. */
function second(place: number): Figures {
  return figures(100 + place, [model({ requests: { "200": 10 * place } })]);
}

function watched(seconds: number): History {
  return Array.from({ length: seconds }, (_, place) => place).reduce(
    (history, place) => observed(history, second(place), 5000 + place),
    NO_HISTORY,
  );
}

test("rates are taken over a few seconds", () => {
  const history = watched(20);
  assert.equal(history.samples["digits"]?.at(-1)?.requestsPerSecond, 10);
  assert.equal(history.documents[0]?.at_seconds, 119 - SPAN_SECONDS + 1);
});

test("samples older than the charts are forgotten", () => {
  assert.equal(watched(KEPT_SECONDS + 50).samples["digits"]?.length, KEPT_SECONDS);
});

test("a gateway that began anew is not compared with itself before", () => {
  const history = observed(watched(10), figures(1, [model({ requests: { "200": 3 } })]), 5010);
  assert.equal(history.samples["digits"]?.at(-1)?.requestsPerSecond, null);
  assert.equal(history.documents.length, 1);
});

test("nobody there leaves a hole and no comparison across it", () => {
  const hole = missed(watched(10), 5010);
  assert.equal(hole.samples["digits"]?.at(-1)?.queueRows, null);
  const back = observed(hole, second(30), 5030);
  assert.equal(back.samples["digits"]?.at(-1)?.requestsPerSecond, null);
  assert.equal(back.samples["digits"]?.length, 12);
});

test("a model that is gone is no longer kept", () => {
  assert.deepEqual(Object.keys(observed(watched(3), figures(104, []), 5004).samples), []);
});
