import assert from "node:assert/strict";
import { test } from "node:test";
import { count, duration, percent, predicted, short, tick } from "../src/core/format.js";

test("three digits at most", () => {
  assert.deepEqual([0, 0.1234, 1.5, 12.34, 1234.5, null].map(short), ["0", "0.12", "1.50", "12.3", "1,235", "–"]);
});

test("durations in the unit that suits them", () => {
  assert.deepEqual([0.00003, 0.0004, 0.025, 1.2, undefined].map(duration), [
    "30.0 µs",
    "0.40 ms",
    "25.0 ms",
    "1.20 s",
    "–",
  ]);
});

test("counts are shortened from ten thousand on", () => {
  assert.deepEqual([0, 9999, 12345, 128734, 2.5e6].map(count), ["0", "9,999", "12.3 k", "129 k", "2.5 M"]);
});

test("parts as percentages", () => {
  assert.deepEqual([0, 0.05, 0.9999, 1, Number.NaN].map(percent), ["0 %", "5.0 %", "100 %", "100 %", "–"]);
});

test("predictions keep four digits", () => {
  assert.deepEqual([207.14159, 0.00123456, 123456.7, 0, Number.NaN].map(predicted), [
    "207.1",
    "0.001235",
    "123,457",
    "0",
    "not a number",
  ]);
});

test("ticks lose the zeros that say nothing", () => {
  assert.deepEqual(["1.00", "0.50", "20.0 ms", "100", "2.05 s"].map(tick), ["1", "0.5", "20 ms", "100", "2.05 s"]);
});
