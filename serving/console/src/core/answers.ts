/**
 * What a prediction shows: bars for a classifier, a value with its unit for a regressor, and where the time went.
 *
 * Pure.
 */

import type { Prediction, Timing } from "@penstock/client";
import { duration, percent, predicted } from "./format.js";

export interface Bar {
  readonly label: string;
  readonly part: number;
}

/** More classes than these are named by their sum. */
const MOST_BARS = 10;

/** In the labels' own order while they fit, so that bars keep their places; else the most probable first. */
export function barsOf(prediction: Prediction): readonly Bar[] {
  const bars = Object.entries(prediction.probabilities).map(([label, part]) => ({ label, part }));
  if (bars.length <= MOST_BARS) {
    return bars;
  }
  const sorted = bars.sort((one, other) => other.part - one.part);
  const rest = sorted.slice(MOST_BARS - 1).reduce((sum, bar) => sum + bar.part, 0);
  return [...sorted.slice(0, MOST_BARS - 1), { label: `${sorted.length - MOST_BARS + 1} others`, part: rest }];
}

export interface Part {
  readonly name: string;
  readonly seconds: number;
}

/** The stages of the request, in their order; what was not said is left out. */
export function partsOf(timing: Timing): readonly Part[] {
  const stages = [
    ["decode", timing.decodeSeconds],
    ["queue", timing.queueSeconds],
    ["backend", timing.backendSeconds],
    ["encode", timing.encodeSeconds],
  ] as const;
  return stages.flatMap(([name, seconds]) => (seconds === undefined ? [] : [{ name, seconds }]));
}

/** The answer as a sentence, for whoever hears it. */
export function spoken(prediction: Prediction): string {
  const total = partsOf(prediction.timing).reduce((sum, part) => sum + part.seconds, 0);
  const tail = total > 0 ? `, in ${duration(total)}` : "";
  if (prediction.label !== undefined) {
    return `${prediction.label}, ${percent(prediction.probabilities[prediction.label] ?? Number.NaN)}${tail}, by version ${prediction.version}`;
  }
  if (prediction.value !== undefined) {
    const unit = prediction.unit ? ` ${prediction.unit}` : "";
    return `${prediction.target ?? "value"} ${predicted(prediction.value)}${unit}${tail}, by version ${prediction.version}`;
  }
  return `an answer came${tail}, by version ${prediction.version}`;
}
