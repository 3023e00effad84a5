/**
 * Typed arrays as rows: a flat one is cut by the shape of the model's row, as NumPy's reshape does.
 *
 * Pure.
 */

import type { Feature } from "./metadata.js";

/** Numbers in memory. A Uint8Array is not among them: it is a file's bytes. */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export function isNumberArray(value: unknown): value is NumberArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) && !(value instanceof Uint8Array);
}

/** Values in one row of a model, undefined where that is not fixed or a row cannot be told from numbers alone. */
export function rowSize(features: readonly Feature[]): number | undefined {
  const [sole] = features;
  if (features.length === 1 && sole !== undefined) {
    return sole.shape.reduce<number | undefined>(
      (size, side) => (size === undefined || side === null ? undefined : size * side),
      1,
    );
  }
  return features.every((feature) => feature.kind === "number") ? features.length : undefined;
}

/** The rows of a flat array: one where it is a row's size, several where it is a multiple of it. */
export function cut(array: NumberArray, features: readonly Feature[]): readonly NumberArray[] {
  const size = rowSize(features);
  if (size === undefined || size === 0 || array.length % size !== 0) {
    return [array]; // the gateway says what is wrong with it
  }
  return Array.from({ length: array.length / size }, (_, row) => array.subarray(row * size, (row + 1) * size));
}

/** One row's values as the gateway takes them: a record for several features, else nested as the shape says. */
export function rowOf(array: NumberArray, features: readonly Feature[]): unknown {
  const values: readonly unknown[] = Array.from<unknown>(array);
  const [sole] = features;
  if (features.length === 1 && sole !== undefined) {
    return nested(values, sole.shape);
  }
  return values.length === features.length
    ? Object.fromEntries(features.map((feature, place) => [feature.name, values[place]]))
    : values;
}

/** Flat values in the shape, left flat where they do not fill it. */
export function nested(values: readonly unknown[], shape: readonly (number | null)[]): unknown {
  if (shape.length === 0 && values.length === 1) {
    return values[0];
  }
  const inner = shape.slice(1);
  const size = inner.reduce<number>((product, side) => product * (side ?? 0), 1);
  if (inner.length === 0 || size === 0 || values.length % size !== 0) {
    return values;
  }
  return Array.from({ length: values.length / size }, (_, part) =>
    nested(values.slice(part * size, (part + 1) * size), inner),
  );
}
