import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn, type Look, lookOf, type Stroke } from "../src/core/drawing.js";

/** A bar of light ink, two pixels wide and as high as the image. */
const BAR = Array.from({ length: 8 }, () => [0, 0, 0, 1, 1, 0, 0, 0]);
const LINE: Stroke = [
  [0.4, 0.3],
  [0.4, 0.6],
];

function rows(look: Look, strokes: readonly Stroke[]): readonly (readonly number[])[] {
  const { values, width, height } = drawn(strokes, look);
  return Array.from({ length: height }, (_, row) => values.slice(row * width, (row + 1) * width));
}

test("the look is measured: where ink lies and how thick it is", () => {
  const look = lookOf([8, 8], [BAR]);
  assert.deepEqual([look.inkHeight, look.inkWidth, look.middle, look.darkOnLight], [8, 2, [4, 4], false]);
  assert.ok(Math.abs(look.penWidth - 2) < 0.5, `${look.penWidth}`);
});

test("dark ink on light paper is seen by its border", () => {
  const look = lookOf([8, 8], [BAR.map((row) => row.map((ink) => 1 - ink))]);
  assert.equal(look.darkOnLight, true);
  assert.equal(look.inkWidth, 2);
  assert.equal(rows(look, [LINE])[4]?.[0], 255);
});

test("a drawing is centred and fills the ink's room, wherever it was drawn", () => {
  const look = { ...lookOf([8, 8], [BAR]), penWidth: 2 };
  const image = rows(look, [LINE]);
  const moved = rows(look, [LINE.map(([x, y]) => [x + 0.3, y + 0.2])]);
  assert.deepEqual(image, moved);
  assert.equal(image[4]?.[3], 255);
  assert.equal(image[4]?.[4], 255);
  assert.deepEqual(
    image.map((row) => row[0]),
    Array(8).fill(0),
  );
  assert.ok((image[0]?.[3] ?? 0) > 0);
  assert.ok((image[7]?.[4] ?? 0) > 0);
});

test("edges are smooth", () => {
  const look = { ...lookOf([8, 8], [BAR]), penWidth: 1.5 };
  const between = rows(look, [LINE])
    .flat()
    .filter((value) => value > 0 && value < 255);
  assert.ok(between.length > 4);
});

test("a dot stays small, and nothing is paper alone", () => {
  const look = lookOf([28, 28], []);
  const ink = drawn([[[0.5, 0.5]]], look).values.filter((value) => value > 0).length;
  assert.ok(ink > 0 && ink < 40, `${ink}`);
  assert.deepEqual(new Set(drawn([], look).values), new Set([0]));
});
