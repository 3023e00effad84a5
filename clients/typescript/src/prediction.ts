/**
 * A prediction as the caller reads it, made from one row of the gateway's answer and the metadata of its version.
 *
 * Pure.
 */

import type { ModelMetadata } from "./metadata.js";
import type { Timing } from "./serverTiming.js";

/** The outputs of a classifier and of a regressor, by Penstock's contract. */
const PROBABILITIES = "probabilities";
const VALUE = "value";

/**
 * One row's answer, frozen. A classifier's has `label`, the most probable one, and `probabilities` by label. A
 * regressor's has `value`, in `unit`, of `target`. What does not apply is undefined or empty: a model without a manifest
 * has `outputs` alone. A number the model could not compute is NaN, and never the chosen label.
 */
export interface Prediction {
  readonly label: string | undefined;
  readonly probabilities: Readonly<Record<string, number>>;
  readonly value: number | undefined;
  readonly unit: string | undefined;
  readonly target: string | undefined;
  /** The row as the model gave it, by output name. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly version: number;
  readonly requestId: string | undefined;
  /** Of the request that the row came in. */
  readonly timing: Timing;
}

/** What all rows of one answer share. */
export interface AnswerHead {
  readonly requestId: string | undefined;
  readonly timing: Timing;
}

/** Throws TypeError where the row does not fit the metadata. */
export function readPrediction(row: unknown, metadata: ModelMetadata, head: AnswerHead): Prediction {
  const outputs = named(row, metadata.outputNames);
  const { version, task } = metadata;
  const probabilities = task === "classification" ? probabilitiesOf(outputs[PROBABILITIES], metadata.labels) : {};
  return Object.freeze({
    label: mostProbable(metadata.labels, probabilities),
    probabilities: Object.freeze(probabilities),
    value: task === "regression" ? soleNumber(outputs[VALUE]) : undefined,
    unit: task === "regression" ? metadata.unit : undefined,
    target: task === "regression" ? metadata.target : undefined,
    outputs: Object.freeze(outputs),
    version,
    ...head,
  });
}

/** The wire leaves the name out where there is one output. */
function named(row: unknown, names: readonly string[]): Record<string, unknown> {
  const [sole] = names;
  if (names.length === 1 && sole !== undefined) {
    return { [sole]: row };
  }
  const byName = Object.entries(row as Record<string, unknown>);
  return Object.fromEntries(byName.filter(([name]) => names.includes(name)));
}

function probabilitiesOf(scores: unknown, labels: readonly string[]): Record<string, number> {
  if (!Array.isArray(scores) || scores.length !== labels.length) {
    throw new TypeError(`${JSON.stringify(scores)} are no probabilities of ${labels.length} labels`);
  }
  return Object.fromEntries(labels.map((label, place) => [label, numberOf(scores[place])]));
}

function soleNumber(value: unknown): number {
  if (!Array.isArray(value) || value.length !== 1) {
    throw new TypeError(`${JSON.stringify(value)} is no list of one value`);
  }
  return numberOf(value[0]);
}

/** A non-finite output travels as null. */
function numberOf(value: unknown): number {
  if (value !== null && typeof value !== "number") {
    throw new TypeError(`${JSON.stringify(value)} is no number`);
  }
  return value ?? Number.NaN;
}

/** The first in the labels' own order where several are equal. */
function mostProbable(labels: readonly string[], probabilities: Readonly<Record<string, number>>): string | undefined {
  let [best, most]: [string | undefined, number] = [undefined, Number.NEGATIVE_INFINITY];
  for (const label of labels) {
    const probability = probabilities[label] ?? Number.NaN;
    if (probability > most) {
      [best, most] = [label, probability];
    }
  }
  return best;
}
