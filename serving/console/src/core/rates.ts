/**
 * What happened between two documents of figures: rates, percentiles, mean sizes.
 *
 * Pure. A count that falls means that the gateway began anew: there is nothing to compare then.
 */

import { type Figures, totalErrors, totalRequests } from "./figures.js";

/** A model's life over a few seconds. null: nothing happened that could be measured. */
export interface Sample {
  /** Seconds since 1970, by the browser's clock. */
  readonly atSeconds: number;
  readonly requestsPerSecond: number | null;
  readonly errorsPerSecond: number | null;
  /** What most of the refused were refused for, or empty. */
  readonly reason: string;
  readonly p50Seconds: number | null;
  readonly p99Seconds: number | null;
  readonly rowsPerBatch: number | null;
  /** These are of all models together: they share the queue. */
  readonly queueRows: number | null;
  readonly oldestAgeSeconds: number | null;
  readonly inFlightBatches: number | null;
}

export function gap(atSeconds: number): Sample {
  return {
    atSeconds,
    requestsPerSecond: null,
    errorsPerSecond: null,
    reason: "",
    p50Seconds: null,
    p99Seconds: null,
    rowsPerBatch: null,
    queueRows: null,
    oldestAgeSeconds: null,
    inFlightBatches: null,
  };
}

/** Whether `after` goes on from `before`: the same gateway, later. */
export function follows(before: Figures, after: Figures): boolean {
  if (after.at_seconds <= before.at_seconds) {
    return false;
  }
  return before.models.every((model) => {
    const later = after.models.find((one) => one.name === model.name);
    return later === undefined || totalRequests(later) >= totalRequests(model);
  });
}

/** A model between two documents; without an earlier one only the present state is known. */
export function sampled(earlier: Figures | undefined, later: Figures, name: string, atSeconds: number): Sample {
  const now = {
    queueRows: later.queue.rows,
    oldestAgeSeconds: later.queue.oldest_age_seconds,
    inFlightBatches: later.in_flight_batches,
  };
  const [before, after] = [earlier, later].map((figures) => figures?.models.find((model) => model.name === name));
  if (earlier === undefined || before === undefined || after === undefined) {
    return { ...gap(atSeconds), ...now };
  }
  const spanSeconds = later.at_seconds - earlier.at_seconds;
  const latency = difference(before.latency.counts, after.latency.counts);
  const batches = sum(difference(before.batch_rows.counts, after.batch_rows.counts));
  return {
    ...now,
    atSeconds,
    requestsPerSecond: (totalRequests(after) - totalRequests(before)) / spanSeconds,
    errorsPerSecond: (totalErrors(after) - totalErrors(before)) / spanSeconds,
    reason: mostlyGrown(before.refused, after.refused),
    p50Seconds: quantile(after.latency.bounds_seconds, latency, 0.5),
    p99Seconds: quantile(after.latency.bounds_seconds, latency, 0.99),
    rowsPerBatch: batches > 0 ? (after.rows - before.rows) / batches : null,
  };
}

/**
 * The value below which a part of the counted ones lies, drawn evenly within its bucket; null when nothing was counted.
 *
 * Prometheus's rule (`histogram_quantile`): what lies above the last bound is given as that bound.
 */
export function quantile(bounds: readonly number[], counts: readonly number[], part: number): number | null {
  const total = sum(counts);
  if (total === 0) {
    return null;
  }
  let below = 0;
  for (const [place, count] of counts.entries()) {
    const upper = bounds[place];
    if (upper === undefined) {
      break;
    }
    if (below + count >= part * total) {
      const lower = place > 0 ? (bounds[place - 1] ?? 0) : 0;
      return count === 0 ? upper : lower + ((part * total - below) / count) * (upper - lower);
    }
    below += count;
  }
  return bounds.at(-1) ?? null;
}

function mostlyGrown(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): string {
  const grown = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  const [most] = grown.sort(([, one], [, other]) => other - one);
  return most !== undefined && most[1] > 0 ? most[0] : "";
}

function difference(before: readonly number[], after: readonly number[]): readonly number[] {
  return after.map((count, place) => Math.max(0, count - (before[place] ?? 0)));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
