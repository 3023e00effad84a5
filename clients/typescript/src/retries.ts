/**
 * Whether a failed attempt is worth another, and when.
 *
 * Pure: time and chance are arguments.
 *
 * Waits double and are drawn anew from all of their range ("full jitter"), so that clients who failed together do not
 * come back together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). The budget is that of
 * Finagle's RetryBudget: a part of the calls, and a few a second for those who call rarely.
 */

import * as errors from "./errors.js";

/** Errors that end by themselves. Predictions change nothing, so asking twice does no harm. */
const ENDS_BY_ITSELF = [
  errors.ConnectionFailed,
  errors.Overloaded,
  errors.QuotaExceeded,
  errors.ModelNotReady,
  errors.BackendUnavailable,
  errors.BackendOverloaded,
] as const;

/** A few times a prediction's milliseconds. */
const FIRST_WAIT_SECONDS = 0.05;
/** Past that, waiting longer spares a gateway little and costs a person's patience. */
const LONGEST_WAIT_SECONDS = 5;

const BUDGET_PART_OF_CALLS = 0.2;
const BUDGET_A_SECOND = 10;
const BUDGET_MOST = 100;

export function endsByItself(error: unknown): error is errors.PenstockError {
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
    this.#left = Math.min(BUDGET_MOST, this.#left + BUDGET_PART_OF_CALLS);
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

  #renew(nowSeconds: number): void {
    const passed = Math.max(0, nowSeconds - this.#asOfSeconds);
    this.#left = Math.min(BUDGET_MOST, this.#left + passed * BUDGET_A_SECOND);
    this.#asOfSeconds = Math.max(this.#asOfSeconds, nowSeconds);
  }
}
