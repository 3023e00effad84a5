/**
 * Documents of figures for the tests, each said in a line.
 */

import type { Figures, ModelFigures, VersionFigures } from "../src/core/figures.js";

export const BOUNDS = [0.001, 0.01, 0.1];

export function version(number: number, changes: Partial<VersionFigures> = {}): VersionFigures {
  return { version: number, state: "AVAILABLE", is_live: true, error: "", has_report: true, requests: 0, ...changes };
}

export function model(changes: Partial<ModelFigures> = {}): ModelFigures {
  return {
    name: "digits",
    answering_version: 1,
    labels: {},
    split: {},
    versions: [version(1)],
    requests: {},
    refused: {},
    rows: 0,
    latency: { bounds_seconds: BOUNDS, counts: [0, 0, 0, 0] },
    batch_rows: { bounds: [1, 2, 4], counts: [0, 0, 0, 0] },
    ...changes,
  };
}

export function figures(at_seconds: number, models: readonly ModelFigures[], changes: Partial<Figures> = {}): Figures {
  return {
    at_seconds,
    version: "0.1.0",
    backend: { name: "embedded", up: true },
    queue: { rows: 0, oldest_age_seconds: 0 },
    in_flight_batches: 0,
    in_flight_limit: 2,
    models,
    ...changes,
  };
}
