/**
 * Asks for the figures once a second and keeps what the page shows of them. The loop alone; `core/` does the thinking.
 */

import type { Figures } from "./core/figures.js";
import { happenings } from "./core/happenings.js";
import { type History, missed, NO_HISTORY, observed } from "./core/history.js";
import { askFigures, Refused } from "./gateway.js";

export interface Watched {
  /** The last that came; undefined before the first. */
  readonly figures: Figures | undefined;
  readonly history: History;
  /** Seconds since 1970 since when nobody answers; undefined while somebody does. */
  readonly lostSeconds: number | undefined;
  /** Why the gateway does not let this page in; empty where it was shown nothing yet, undefined where it does. */
  readonly refusal?: string | undefined;
  /** The last thing worth saying aloud. */
  readonly said: string;
}

export const NOTHING_YET: Watched = { figures: undefined, history: NO_HISTORY, lostSeconds: undefined, said: "" };

const PAUSE_MILLISECONDS = 1000;

/** Tells of every round; the function that comes back ends it. */
export function watch(tell: (next: (before: Watched) => Watched) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  const round = async (): Promise<void> => {
    const began = performance.now();
    const figures = await askFigures().catch((error: unknown) => (error instanceof Refused ? error : undefined));
    if (ended) {
      return;
    }
    if (figures instanceof Refused) {
      tell(() => ({ ...NOTHING_YET, refusal: figures.message, said: "The gateway asks for a key or a token." }));
      return; // until somebody shows one, and the page watches anew
    }
    tell((before) => (figures === undefined ? unanswered(before, now()) : answered(before, figures, now())));
    timer = setTimeout(round, Math.max(0, PAUSE_MILLISECONDS - (performance.now() - began)));
  };
  void round();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

function answered(before: Watched, figures: Figures, atSeconds: number): Watched {
  const news = before.figures === undefined ? [] : happenings(before.figures, figures);
  const again = before.lostSeconds === undefined ? [] : ["The gateway answers again."];
  return {
    figures,
    history: observed(before.history, figures, atSeconds),
    lostSeconds: undefined,
    said: [...again, ...news].join(" ") || before.said,
  };
}

function unanswered(before: Watched, atSeconds: number): Watched {
  return {
    ...before,
    history: missed(before.history, atSeconds),
    lostSeconds: before.lostSeconds ?? atSeconds,
    said: "The gateway does not answer.",
  };
}

function now(): number {
  return Date.now() / 1000;
}
