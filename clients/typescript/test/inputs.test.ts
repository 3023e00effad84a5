/** What is one row and what is many, and what of it travels how. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OutOfRange, PenstockError, WrongDtype } from "../src/errors.js";
import { renderBody, splitRows } from "../src/inputs.js";
import type { Feature } from "../src/metadata.js";

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2);

function feature(kind: Feature["kind"], name: string, shape: readonly (number | null)[] = []): Feature {
  return { kind, name, dtype: "float32", shape, unit: "", description: "" };
}

const PICTURE = [feature("image", "image", [2, 3])];
const TEXT = [feature("text", "text")];
const NUMBERS = [feature("number", "a"), feature("number", "b")];
const TOKENS = [feature("tensor", "tokens", [null])];

function sent(inputs: unknown, features: readonly Feature[]): unknown {
  const { content } = renderBody(splitRows(inputs, features), features);
  return typeof content === "string" ? JSON.parse(content).instances : content;
}

const picture = [
  [1, 2, 3],
  [4, 5, 6],
];

test("one row is nested as deep as the feature's shape, many are deeper", () => {
  for (const [inputs, features, many] of [
    [picture, PICTURE, false],
    [[picture], PICTURE, true],
    [PNG, PICTURE, false],
    [[PNG, PNG], PICTURE, true],
    ["hello", TEXT, false],
    [["hello"], TEXT, true],
    [{ a: 1, b: 2 }, NUMBERS, false],
    [[{ a: 1, b: 2 }], NUMBERS, true],
    [[1, 2, 3], TOKENS, false],
    [[[1, 2], [3]], TOKENS, true],
    [[], PICTURE, true],
  ] as const) {
    assert.equal(splitRows(inputs, features).many, many, JSON.stringify(inputs));
  }
});

test("a flat typed array is cut by the shape of a row", () => {
  const six = Float32Array.of(1, 2, 3, 4, 5, 6);
  assert.deepEqual(sent(six, PICTURE), [picture]);
  assert.equal(splitRows(six, PICTURE).many, false);
  assert.deepEqual(sent(Float64Array.of(...six, ...six), PICTURE), [picture, picture]);
  assert.equal(splitRows(Float64Array.of(...six, ...six), PICTURE).many, true);
  assert.deepEqual(sent([six, six], PICTURE), [picture, picture]);
  assert.deepEqual(sent(Int32Array.of(7, 8, 9), TOKENS), [[7, 8, 9]]);
  assert.deepEqual(sent([Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)], PICTURE), [picture]);
});

test("a typed array as long as there are number features is a record", () => {
  assert.deepEqual(sent(Float32Array.of(1, 2), NUMBERS), [{ a: 1, b: 2 }]);
  const many = splitRows(Float32Array.of(1, 2, 3, 4), NUMBERS);
  assert.equal(many.many, true);
  assert.deepEqual(sent(Float32Array.of(1, 2, 3, 4), NUMBERS), [
    { a: 1, b: 2 },
    { a: 3, b: 4 },
  ]);
});

test("a typed array within a record is nested as its feature says", () => {
  const features = [...PICTURE, feature("number", "age")];
  assert.deepEqual(sent({ image: Float32Array.of(1, 2, 3, 4, 5, 6), age: 3 }, features), [{ image: picture, age: 3 }]);
});

test("what does not fill a row is left for the gateway to refuse", () => {
  assert.deepEqual(sent(Float32Array.of(1, 2, 3, 4), PICTURE), [[1, 2, 3, 4]]);
});

test("one image of a model of one image goes as the file it is", () => {
  const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0);
  const webp = new TextEncoder().encode("RIFF\x16\0\0\0WEBPVP8X");
  const type = (bytes: Uint8Array) => renderBody(splitRows(bytes, PICTURE), PICTURE).contentType;
  assert.deepEqual([type(PNG), type(jpeg), type(webp)], ["image/png", "image/jpeg", "image/webp"]);
  assert.deepEqual(sent(PNG.buffer, PICTURE), PNG);
  assert.deepEqual(sent(new DataView(PNG.buffer, 0, 10), PICTURE), PNG);
});

test("other bytes go as base64", () => {
  const b64 = btoa(String.fromCharCode(...PNG));
  assert.deepEqual(sent([PNG, PNG], PICTURE), [{ b64 }, { b64 }]);
  assert.deepEqual(sent(Uint8Array.of(104, 105), PICTURE), [{ b64: "aGk=" }]);
  assert.deepEqual(sent({ image: PNG, age: 3 }, [...PICTURE, feature("number", "age")]), [{ image: { b64 }, age: 3 }]);
  const long = new Uint8Array(100_000).fill(65);
  assert.deepEqual(sent([long], PICTURE), [{ b64: btoa("A".repeat(100_000)) }]);
});

test("what JSON cannot carry is refused with its place", () => {
  const refusal = (inputs: unknown, features: readonly Feature[]): PenstockError => {
    try {
      sent(inputs, features);
    } catch (error) {
      assert.ok(error instanceof PenstockError);
      return error;
    }
    assert.fail("nothing was refused");
  };
  const nan = refusal([picture, [[1, Number.NaN, 3], []]], PICTURE);
  assert.ok(nan instanceof OutOfRange);
  assert.equal(nan.field, "/instances/1/0/1");
  const strange = refusal({ "a/b": new Date(0) }, NUMBERS);
  assert.ok(strange instanceof WrongDtype);
  assert.equal(strange.field, "/instances/0/a~1b");
  assert.match(strange.message, /a Date cannot be sent/);
  assert.ok(refusal(() => 1, TEXT) instanceof WrongDtype);
  assert.ok(refusal({ a: 2n ** 60n }, NUMBERS) instanceof OutOfRange);
  assert.ok(refusal(Float32Array.of(1, Number.POSITIVE_INFINITY), NUMBERS) instanceof OutOfRange);
});

test("a bigint that a double holds is a number, and an undefined feature is left out", () => {
  assert.deepEqual(sent({ a: 12n, b: undefined }, NUMBERS), [{ a: 12 }]);
  assert.deepEqual(sent(BigInt64Array.of(3n, 4n), NUMBERS), [{ a: 3, b: 4 }]);
});
