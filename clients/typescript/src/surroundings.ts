/**
 * What the client needs of the world it runs in: a way to send, a clock, timers and chance. Tests bring their own.
 */

export interface Surroundings {
  readonly fetch: typeof fetch;
  /** Monotonic. */
  readonly nowSeconds: () => number;
  /** From [0, 1). */
  readonly chance: () => number;
  /** Calls back once, unless what is returned is called before. */
  readonly after: (seconds: number, callback: () => void) => () => void;
}

const MILLISECONDS_A_SECOND = 1000;
/** Where timers of JavaScript overflow. */
const MOST_MILLISECONDS = 2 ** 31 - 1;

/** A browser's or Node's own. */
export function realSurroundings(send: typeof fetch | undefined): Surroundings {
  return {
    fetch: send ?? ((input, init) => globalThis.fetch(input, init)),
    nowSeconds: () => performance.now() / MILLISECONDS_A_SECOND,
    chance: Math.random,
    after: (seconds, callback) => {
      const timer = setTimeout(callback, Math.min(MOST_MILLISECONDS, seconds * MILLISECONDS_A_SECOND));
      return () => clearTimeout(timer);
    },
  };
}
