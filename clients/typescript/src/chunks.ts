/**
 * Many rows in several requests: cut, sent some at a time, put together in order.
 */

import type { Feature } from "./metadata.js";
import { cut, isNumberArray } from "./typedArrays.js";

/** The rows of a large input: the elements of a list, or the pieces of a flat typed array. */
export function rowsOf(inputs: unknown, features: readonly Feature[]): readonly unknown[] {
  if (Array.isArray(inputs)) {
    return inputs;
  }
  if (isNumberArray(inputs)) {
    return inputs.length === 0 ? [] : cut(inputs, features);
  }
  throw new TypeError("predictMany takes a list of rows or a typed array; predict takes a single one");
}

export function chunked<Row>(rows: readonly Row[], chunkRows: number): readonly (readonly Row[])[] {
  const count = Math.ceil(rows.length / chunkRows);
  return Array.from({ length: count }, (_, place) => rows.slice(place * chunkRows, (place + 1) * chunkRows));
}

/**
 * What `work` makes of each item, in order, `concurrency` at a time. After the first failure nothing more is begun, what
 * is under way is told by the signal, and the failure is thrown.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item, place: number, signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<readonly Result[]> {
  const results: Result[] = new Array(items.length);
  const stop = new AbortController();
  const abort = (): void => stop.abort(signal?.reason);
  if (signal?.aborted) {
    abort();
  }
  signal?.addEventListener("abort", abort, { once: true });
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [place, item] of queue) {
      stop.signal.throwIfAborted();
      results[place] = await work(item, place, stop.signal);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  } catch (error) {
    stop.abort(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  return results;
}
