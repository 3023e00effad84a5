/**
 * Sends what flows ask for: attempts, waits and the deadline of a call. It decides nothing about predictions.
 */

import { errorFrom } from "./errorAnswers.js";
import { ConnectionFailed, DeadlineExceeded, PenstockError } from "./errors.js";
import type { Flow, Request, Response } from "./messages.js";
import { endsByItself, type RetryBudget, waitSeconds } from "./retries.js";
import { timeoutHeader } from "./settings.js";
import type { Surroundings } from "./surroundings.js";

const GOOD_STATUS = 200;

/** What all calls of a client share. */
export interface Line {
  readonly url: string;
  readonly retries: number;
  /** Who asks: asked anew at each call. */
  readonly credentials: () => Promise<Readonly<Record<string, string>>>;
  readonly budget: RetryBudget;
  readonly surroundings: Surroundings;
}

/** One call, from its first attempt to its last. */
export class Call {
  readonly #line: Line;
  #headers: Readonly<Record<string, string>>;
  readonly #timeoutSeconds: number;
  readonly #deadlineSeconds: number;
  readonly #signal: AbortSignal | undefined;
  readonly #patient: boolean;

  /** A `patient` call comes back as often as the gateway says when to, within its time. */
  constructor(
    line: Line,
    headers: Readonly<Record<string, string>>,
    timeoutSeconds: number,
    { signal, patient = false }: { readonly signal: AbortSignal | undefined; readonly patient?: boolean },
  ) {
    this.#line = line;
    this.#headers = headers;
    this.#timeoutSeconds = timeoutSeconds;
    this.#deadlineSeconds = line.surroundings.nowSeconds() + timeoutSeconds;
    this.#signal = signal;
    this.#patient = patient;
  }

  /** The result of the flow, whose requests are sent one after the other. */
  async run<Result>(flow: Flow<Result>): Promise<Result> {
    this.#line.budget.call(this.#line.surroundings.nowSeconds());
    this.#headers = { ...(await this.#inTime(this.#line.credentials)), ...this.#headers };
    let step = flow.next();
    while (!step.done) {
      let response: Response;
      try {
        response = await this.#answered(step.value);
      } catch (error) {
        step = flow.throw(error);
        continue;
      }
      step = flow.next(response);
    }
    return step.value;
  }

  /** A good answer, after as many attempts as are left; throws the error of the last. */
  async #answered(request: Request): Promise<Response> {
    for (let failed = 1; ; failed++) {
      try {
        return await this.#attempt(request);
      } catch (error) {
        const wait = endsByItself(error) ? this.#waitSeconds(error, failed) : undefined;
        if (wait === undefined || wait >= this.#remainingSeconds()) {
          throw error;
        }
        await this.#pause(wait);
      }
    }
  }

  /** Until the next attempt after the `failed`-th; undefined where there is none. */
  #waitSeconds({ retryAfterSeconds }: PenstockError, failed: number): number | undefined {
    const { surroundings, retries, budget } = this.#line;
    const wait = waitSeconds(failed, retryAfterSeconds, surroundings.chance());
    if (this.#patient && retries > 0 && retryAfterSeconds !== undefined) {
      return Math.max(wait, budget.owe(surroundings.nowSeconds()));
    }
    const allowed = failed <= retries && wait < this.#remainingSeconds() && budget.take(surroundings.nowSeconds());
    return allowed ? wait : undefined;
  }

  #remainingSeconds(): number {
    return this.#deadlineSeconds - this.#line.surroundings.nowSeconds();
  }

  async #attempt(request: Request): Promise<Response> {
    return await this.#inTime(async (stop, remaining) => {
      try {
        const response = await this.#fetched(request, remaining, stop);
        if (response.status !== GOOD_STATUS) {
          throw errorFrom(response);
        }
        return response;
      } catch (error) {
        throw this.#translated(error, stop);
      }
    });
  }

  /** What the work comes to, or the reason that ends it: the deadline, or the caller's signal. */
  async #inTime<Result>(work: (stop: AbortSignal, remainingSeconds: number) => Promise<Result>): Promise<Result> {
    this.#signal?.throwIfAborted();
    const remaining = this.#remainingSeconds();
    if (remaining <= 0) {
      throw this.#late();
    }
    const stop = new AbortController();
    const stopped = new Promise<never>((_, reject) => {
      stop.signal.addEventListener("abort", () => reject(stop.signal.reason), { once: true });
    });
    const abort = (): void => stop.abort(this.#signal?.reason);
    this.#signal?.addEventListener("abort", abort, { once: true });
    const cancel = this.#line.surroundings.after(remaining, () => stop.abort(this.#late()));
    try {
      return await Promise.race([work(stop.signal, remaining), stopped]);
    } finally {
      cancel();
      this.#signal?.removeEventListener("abort", abort);
    }
  }

  async #fetched(request: Request, remainingSeconds: number, signal: AbortSignal): Promise<Response> {
    const answer = await this.#line.surroundings.fetch(`${this.#line.url}${request.path}`, {
      method: request.method,
      redirect: "manual", // followed, it would hand an API key to whichever host it names
      headers: { ...this.#headers, ...request.headers, ...timeoutHeader(remainingSeconds) },
      signal,
      ...(request.body === undefined ? {} : { body: request.body as BodyInit }),
    });
    const headers: Record<string, string> = {};
    answer.headers.forEach((value, name) => {
      headers[name] = value;
    });
    return { status: answer.status, headers, body: await answer.text() };
  }

  /** Whatever `fetch` fails with is the reason of an ended wait, or a connection that could not be had or broke. */
  #translated(error: unknown, stop: AbortSignal): unknown {
    if (stop.aborted) {
      return stop.reason;
    }
    if (error instanceof PenstockError) {
      return error;
    }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return new ConnectionFailed(
      `${this.#line.url} cannot be reached, or lets no page of this origin ask (${String(cause)}); is the gateway running?`,
      { cause: error },
    );
  }

  #late(): DeadlineExceeded {
    return new DeadlineExceeded(`${this.#line.url} gave no answer within ${this.#timeoutSeconds} s`);
  }

  /** Waits, or fails with the signal's reason. */
  async #pause(seconds: number): Promise<void> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.#line.surroundings.after(seconds, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}
