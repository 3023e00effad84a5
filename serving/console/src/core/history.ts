/**
 * The last minutes of every model, built up from documents of figures.
 *
 * Pure: time is an argument. Samples look back a few seconds, so that a lone request is seen and numbers stay calm.
 */

import type { Figures } from "./figures.js";
import { follows, gap, type Sample, sampled } from "./rates.js";

/** What the charts show. */
export const KEPT_SECONDS = 300;
/** What rates and percentiles are taken over. */
export const SPAN_SECONDS = 5;

export interface History {
  /** Documents of the last SPAN_SECONDS, oldest first. */
  readonly documents: readonly Figures[];
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
}

export const NO_HISTORY: History = { documents: [], samples: {} };

/** With one more document, received at `atSeconds`. */
export function observed(history: History, figures: Figures, atSeconds: number): History {
  const last = history.documents.at(-1);
  const kept = last !== undefined && follows(last, figures) ? history.documents : [];
  const first = kept[0];
  const samples = figures.models.map(
    ({ name }) => [name, recent(history, name, sampled(first, figures, name, atSeconds))] as const,
  );
  const young = kept.filter((document) => figures.at_seconds - document.at_seconds < SPAN_SECONDS);
  return { documents: [...young, figures], samples: Object.fromEntries(samples) };
}

/** With a hole: nobody answered at `atSeconds`. What comes later is not compared with what was before. */
export function missed(history: History, atSeconds: number): History {
  const samples = Object.keys(history.samples).map((name) => [name, recent(history, name, gap(atSeconds))] as const);
  return { documents: [], samples: Object.fromEntries(samples) };
}

function recent(history: History, name: string, sample: Sample): readonly Sample[] {
  const earlier = history.samples[name] ?? [];
  return [...earlier.filter((one) => sample.atSeconds - one.atSeconds < KEPT_SECONDS), sample];
}
