import assert from "node:assert/strict";
import { test } from "node:test";
import { type Field, fieldMeant, formOf, shown, typed } from "../src/core/form.js";
import type { Feature } from "../src/core/pixels.js";

const AGE: Feature = {
  kind: "number",
  name: "age",
  dtype: "float32",
  unit: "years",
  range: [0, 120],
  description: "of the patient",
};
const COLOUR: Feature = { kind: "category", name: "colour", dtype: "string", vocabulary: ["D", "E"], default: "E" };
const IMAGE: Feature = { kind: "image", name: "image", dtype: "float32", shape: [2, 2], decoding: { scale: 1 / 255 } };

function field(feature: Feature): Field {
  const [made] = formOf({ features: [feature], golden_examples: [] }).fields;
  assert.ok(made);
  return made;
}

test("fields tell the manifest's units, ranges and defaults", () => {
  const age = field(AGE);
  assert.deepEqual([age.unit, age.hint, age.required], ["years", "0 to 120", true]);
  const colour = field(COLOUR);
  assert.deepEqual([colour.vocabulary, colour.hint, colour.required], [["D", "E"], `"E" when left empty`, false]);
});

test("what the gateway makes itself is no field", () => {
  const mask: Feature = { kind: "tensor", name: "mask", dtype: "float32", mask_of: "tokens", shape: [null] };
  assert.deepEqual(
    formOf({ features: [AGE, mask] }).fields.map((one) => one.name),
    ["age"],
  );
});

test("examples are by field, bare values those of the only one", () => {
  const records = formOf({ features: [AGE, COLOUR], golden_examples: [{ instance: { age: 40, colour: "D" } }] });
  assert.deepEqual(records.examples, [{ age: 40, colour: "D" }]);
  const bare = formOf({
    features: [IMAGE],
    golden_examples: [
      {
        instance: [
          [0, 1],
          [1, 0],
        ],
      },
    ],
  });
  assert.deepEqual(bare.examples, [
    {
      image: [
        [0, 1],
        [1, 0],
      ],
    },
  ]);
});

test("small grey images can be drawn, others not", () => {
  assert.ok(field(IMAGE).look);
  assert.equal(field({ ...IMAGE, shape: [2, 2, 3] }).look, undefined);
  assert.equal(field({ ...IMAGE, shape: [224, 224] }).look, undefined);
  assert.equal(field(AGE).look, undefined);
});

test("numbers are sent as numbers, and what is none as it was typed, for the gateway to name", () => {
  const age = field(AGE);
  assert.equal(typed(age, " 41.5 "), 41.5);
  assert.equal(typed(age, "-1e3"), -1000);
  assert.equal(typed(age, "old"), "old");
  assert.equal(typed(age, "1e999"), "1e999");
  assert.equal(typed(age, "  "), undefined);
});

test("texts are sent as they are, tensors as JSON", () => {
  const text = field({ kind: "text", name: "review", dtype: "string" });
  assert.equal(typed(text, " 12 "), " 12 ");
  const tensor = field({ kind: "tensor", name: "x", dtype: "float32", shape: [2, null] });
  assert.match(tensor.hint, /shape \[2, any\]/);
  assert.deepEqual(typed(tensor, "[[1], [2]]"), [[1], [2]]);
  assert.equal(typed(tensor, "[[1]"), "[[1]");
  assert.equal(shown([[1], [2]]), "[[1],[2]]");
  assert.equal(shown(null), "");
});

test("a pointer means the field that it goes through", () => {
  const fields = [field(AGE), field({ ...COLOUR, name: "a/b~c" })];
  assert.equal(fieldMeant("/instances/0/age", fields), "age");
  assert.equal(fieldMeant("/instances/0/a~1b~0c/2", fields), "a/b~c");
  assert.equal(fieldMeant("/instances/0", fields), undefined);
  assert.equal(fieldMeant(undefined, fields), undefined);
  assert.equal(fieldMeant(undefined, [field(IMAGE)]), "image");
});
