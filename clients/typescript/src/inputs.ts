/**
 * Natural inputs to the rows of a request: what is one row, what is many, and what stands for a file's bytes.
 *
 * Pure: Blobs are read before they come here. The checking of values is the gateway's, which knows more.
 *
 * One or many. A record and the bytes of a file are one row each. A flat typed array is as many rows as it has values
 * for. Anything else is one row when it is nested no deeper than the shape of the model's one feature: 8 lists of 8
 * numbers are one 8 x 8 image, a list of such is many. A model with several features takes records, so there every
 * list is many rows.
 */

import { base64, bytesOf, imageType, isBytes } from "./bytes.js";
import { OutOfRange, WrongDtype } from "./errors.js";
import type { Feature } from "./metadata.js";
import { cut, isNumberArray, nested, rowOf, rowSize } from "./typedArrays.js";
import type { ImageType, PredictRequest } from "./wire.js";

export interface Rows {
  readonly instances: readonly unknown[];
  /** Whether the caller gave a collection, and so wants a list back, even of one. */
  readonly many: boolean;
}

export interface Body {
  readonly contentType: "application/json" | ImageType;
  readonly content: string | Uint8Array;
}

export function splitRows(inputs: unknown, features: readonly Feature[]): Rows {
  if (isNumberArray(inputs)) {
    const instances = cut(inputs, features);
    return { instances, many: instances.length !== 1 };
  }
  const depth = features.length === 1 ? (features[0]?.shape.length ?? 0) : 0;
  const empty = Array.isArray(inputs) && inputs.length === 0;
  const many = empty || nesting(inputs, depth, rowSize(features)) > depth;
  return { instances: many ? (inputs as readonly unknown[]) : [inputs], many };
}

/**
 * What is sent for the rows. One image for a model of one image goes as the file it is.
 *
 * Throws WrongDtype for what JSON cannot carry and OutOfRange for NaN and infinity, with the place in `field`.
 */
export function renderBody(rows: Rows, features: readonly Feature[]): Body {
  const [sole] = rows.instances;
  if (!rows.many && isBytes(sole) && features.length === 1 && features[0]?.kind === "image") {
    const bytes = bytesOf(sole);
    const contentType = imageType(bytes);
    if (contentType !== undefined) {
      return { contentType, content: bytes };
    }
  }
  const instances = rows.instances.map((row, place) => plainRow(row, features, `/instances/${place}`));
  const body: PredictRequest = { instances };
  return { contentType: "application/json", content: JSON.stringify(body) };
}

function nesting(value: unknown, depth: number, size: number | undefined): number {
  if (Array.isArray(value)) {
    return 1 + (value.length > 0 ? nesting(value[0], depth, size) : 0);
  }
  if (isNumberArray(value)) {
    return value.length === size ? depth : 1;
  }
  return isBytes(value) || isRecord(value) ? depth : 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function plainRow(row: unknown, features: readonly Feature[], place: string): unknown {
  if (isNumberArray(row)) {
    return plain(rowOf(row, features), place);
  }
  if (!isRecord(row) || isBytes(row)) {
    return plain(row, place);
  }
  const shapes = new Map(features.map((feature) => [feature.name, feature.shape]));
  const values = Object.entries(row).map(([name, value]) => {
    const shape = shapes.get(name);
    const shaped = isNumberArray(value) && shape ? nested(Array.from<unknown>(value), shape) : value;
    return [name, plain(shaped, `${place}/${pointerPart(name)}`)];
  });
  return Object.fromEntries(values);
}

/** A value as JSON can carry it. */
function plain(value: unknown, place: string): unknown {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) {
        throw new OutOfRange(`${value} is a number that JSON cannot carry`, { field: place });
      }
      return value;
    case "string":
    case "boolean":
    case "undefined": // left out of a record, as in JSON.stringify
      return value;
    case "bigint":
      if (!Number.isSafeInteger(Number(value))) {
        throw new OutOfRange(`${value} is past 2^53, where JSON's numbers lose their last digits`, { field: place });
      }
      return Number(value);
    case "object":
      return plainObject(value, place);
    default:
      throw unsendable(value, place);
  }
}

function plainObject(value: object | null, place: string): unknown {
  if (value === null) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => plain(item, `${place}/${index}`));
  }
  if (isNumberArray(value)) {
    return Array.from<unknown>(value).map((item, index) => plain(item, `${place}/${index}`));
  }
  if (isBytes(value)) {
    return base64(bytesOf(value));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw unsendable(value, place);
  }
  const entries = Object.entries(value).map(([name, part]) => [name, plain(part, `${place}/${pointerPart(name)}`)]);
  return Object.fromEntries(entries);
}

function unsendable(value: unknown, place: string): WrongDtype {
  const what = typeof value === "object" ? (value?.constructor.name ?? "object") : typeof value;
  return new WrongDtype(
    `a ${what} cannot be sent; send numbers, strings, lists, typed arrays, records, or a file as Blob or bytes`,
    { field: place },
  );
}

/** RFC 6901's escapes. */
function pointerPart(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
