/**
 * The one way out: the public API through the client, the figures and the reports beside it. Always the page's origin.
 */

import { Client } from "@penstock/client";
import type { Figures } from "./core/figures.js";

export const ORIGIN = location.origin;

/** A person looks on: what fails is shown at once, and tried again by hand. */
export const client = new Client(ORIGIN, { retries: 0 });

const FIGURES_TIMEOUT_MILLISECONDS = 5000;

/** Throws when nobody answers in time, or what answers is no gateway with a console. */
export async function askFigures(): Promise<Figures> {
  const signal = AbortSignal.timeout(FIGURES_TIMEOUT_MILLISECONDS);
  const answer = await fetch("/console/figures", { signal, cache: "no-store" });
  if (!answer.ok) {
    throw new Error(`/console/figures: status ${answer.status}`);
  }
  return (await answer.json()) as Figures;
}

export function reportAddress(model: string, version: number): string {
  return `/console/reports/${encodeURIComponent(model)}/${version}/`;
}
