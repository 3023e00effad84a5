/**
 * Whether a failed attempt is worth another, and when.
 *
 * Pure: time and chance are arguments.
 *
 * Waits double and are drawn anew from all of their range ("full jitter"), so that clients who failed together do not
 * come back together (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). The budget keeps retries
 * from multiplying the load of a gateway in trouble: a part of the calls, and one a second (Finagle's RetryBudget). The
 * figures are those of the Python client.
 */

import * as errors from "./errors.js";

/** Errors that time may mend. Predictions change nothing, so asking twice does no harm. */
const ENDS_BY_ITSELF = [
  errors.ConnectionFailed,
  errors.Overloaded,
  errors.ModelNotReady,
  errors.BackendUnavailable,
  errors.BackendOverloaded,
] as const;

const FIRST_WAIT_SECONDS = 0.1;
const LONGEST_WAIT_SECONDS = 2;

const BUDGET_A_CALL = 0.1;
const BUDGET_A_SECOND = 1;
const BUDGET_MOST = 10;

export function endsByItself(error: unknown): error is errors.PenstockError {
  if (error instanceof errors.QuotaExceeded) {
    return error.retryAfterSeconds !== undefined; // else nobody knows whether it ends today
  }
  return ENDS_BY_ITSELF.some((kind) => error instanceof kind);
}

/**
 * Seconds to wait before the next attempt. `failed` counts the attempts that failed, from 1; `chance` is from [0, 1).
 * Where the gateway said when to come back, the wait is drawn from above that.
 */
export function waitSeconds(failed: number, retryAfterSeconds: number | undefined, chance: number): number {
  const most = Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (failed - 1));
  return (retryAfterSeconds ?? 0) + chance * most;
}

/** How many retries a client may still make. */
export class RetryBudget {
  #left = BUDGET_MOST;
  #asOfSeconds = Number.NEGATIVE_INFINITY;

  /** A call was made. */
  call(nowSeconds: number): void {
    this.#renew(nowSeconds);
    this.#left = Math.min(BUDGET_MOST, this.#left + BUDGET_A_CALL);
  }

  /** Whether a retry is allowed, which is then counted. */
  take(nowSeconds: number): boolean {
    this.#renew(nowSeconds);
    if (this.#left < 1) {
      return false;
    }
    this.#left -= 1;
    return true;
  }

  /** Seconds until a retry is allowed, which is counted now: for those who would rather wait than fail. */
  owe(nowSeconds: number): number {
    this.#renew(nowSeconds);
    this.#left -= 1;
    return Math.max(0, -this.#left / BUDGET_A_SECOND);
  }

  #renew(nowSeconds: number): void {
    const passed = Math.max(0, nowSeconds - this.#asOfSeconds);
    this.#left = Math.min(BUDGET_MOST, this.#left + passed * BUDGET_A_SECOND);
    this.#asOfSeconds = Math.max(this.#asOfSeconds, nowSeconds);
  }
}
