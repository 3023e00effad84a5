/**
 * Bytes of a file: what counts as such, which image they are, and how they travel in JSON.
 *
 * Pure.
 */

import type { ImageType } from "./wire.js";

/** A file's bytes in memory. Other typed arrays are numbers. */
export type Bytes = ArrayBuffer | Uint8Array | DataView;

export function isBytes(value: unknown): value is Bytes {
  return value instanceof ArrayBuffer || value instanceof Uint8Array || value instanceof DataView;
}

export function bytesOf(value: Bytes): Uint8Array {
  if (value instanceof Uint8Array) {
    return value;
  }
  return value instanceof DataView
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG = [0xff, 0xd8, 0xff];
const RIFF = [0x52, 0x49, 0x46, 0x46];
const WEBP = [0x57, 0x45, 0x42, 0x50];
const WEBP_AT_BYTES = 8;

/** By the first bytes, as RFC 2083, ITU T.81 and RFC 9649 fix them; undefined for what the gateway does not read. */
export function imageType(bytes: Uint8Array): ImageType | undefined {
  if (begins(bytes, PNG)) {
    return "image/png";
  }
  if (begins(bytes, JPEG)) {
    return "image/jpeg";
  }
  return begins(bytes, RIFF) && begins(bytes.subarray(WEBP_AT_BYTES), WEBP) ? "image/webp" : undefined;
}

function begins(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, place) => bytes[place] === byte);
}

/** As many as a call may have arguments anywhere. */
const AT_ONCE_BYTES = 8192;

/** TensorFlow Serving's form for bytes in JSON. */
export function base64(bytes: Uint8Array): { readonly b64: string } {
  let text = "";
  for (let at = 0; at < bytes.length; at += AT_ONCE_BYTES) {
    text += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE_BYTES));
  }
  return { b64: btoa(text) };
}
