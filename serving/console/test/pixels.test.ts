import assert from "node:assert/strict";
import { test } from "node:test";
import { type Feature, greyGrid, pixelsOf, rgba } from "../src/core/pixels.js";

const DIGITS: Feature = {
  kind: "image",
  name: "image",
  dtype: "float32",
  shape: [2, 2],
  decoding: { scale: 16 / 255, offset: 0 },
};

test("the model's numbers become the file's pixels, and back by the manifest's decoding", () => {
  assert.deepEqual(
    pixelsOf(
      [
        [0, 16],
        [8, 3],
      ],
      DIGITS,
    )?.values,
    [0, 255, 128, 48],
  );
  const signed = { ...DIGITS, decoding: { scale: 2 / 255, offset: -1 } };
  assert.deepEqual(
    pixelsOf(
      [
        [-1, 1],
        [0, 2],
      ],
      signed,
    )?.values,
    [0, 255, 128, 255],
  );
});

test("colours stay together", () => {
  const colour = { ...DIGITS, shape: [1, 2, 3], decoding: {} };
  const pixels = pixelsOf(
    [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    colour,
  );
  assert.ok(pixels);
  assert.deepEqual([...rgba(pixels)], [1, 2, 3, 255, 4, 5, 6, 255]);
});

test("grey is the same in all three, and can be read as brightness", () => {
  const pixels = pixelsOf(
    [
      [0, 16],
      [0, 16],
    ],
    DIGITS,
  );
  assert.ok(pixels);
  assert.deepEqual([...rgba(pixels)].slice(4, 8), [255, 255, 255, 255]);
  assert.deepEqual(
    greyGrid(
      [
        [0, 16],
        [0, 16],
      ],
      DIGITS,
    ),
    [
      [0, 1],
      [0, 1],
    ],
  );
});

test("what is no image of that shape is none", () => {
  assert.equal(pixelsOf([[0, 16]], DIGITS), undefined);
  assert.equal(pixelsOf("iVBOR", DIGITS), undefined);
  assert.equal(greyGrid(undefined, DIGITS), undefined);
});
