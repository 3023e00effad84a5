/**
 * Reads the Blobs and Files among the inputs, so that everything after it has bytes in hand.
 */

import { UnreadableFile } from "./errors.js";

/** The inputs with the bytes of each Blob in its place; the very same where there is none. Throws UnreadableFile. */
export async function withoutBlobs(inputs: unknown): Promise<unknown> {
  return holdsBlob(inputs) ? await replaced(inputs) : inputs;
}

/** Looks into lists and records, and no deeper into lists of numbers than their first. */
function holdsBlob(value: unknown): boolean {
  if (value instanceof Blob) {
    return true;
  }
  if (Array.isArray(value)) {
    return typeof value[0] !== "number" && value.some(holdsBlob);
  }
  return isRecord(value) && Object.values(value).some(holdsBlob);
}

async function replaced(value: unknown): Promise<unknown> {
  if (value instanceof Blob) {
    return await bytesIn(value);
  }
  if (Array.isArray(value)) {
    return await Promise.all(value.map(replaced));
  }
  if (!isRecord(value)) {
    return value;
  }
  const entries = Object.entries(value).map(async ([name, part]) => [name, await replaced(part)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function bytesIn(blob: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (error) {
    throw new UnreadableFile(`a file cannot be read: ${String(error)}`, { cause: error });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer);
}
