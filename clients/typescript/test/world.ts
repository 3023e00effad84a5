/** A gateway and a clock of the tests' own: time passes only when nobody has anything left to do. */

import { Client, type ClientSettings } from "../src/index.js";
import type { Surroundings } from "../src/surroundings.js";
import type { Manifest, PredictRequest } from "../src/wire.js";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly atSeconds: number;
}

/** What is answered: a response, `broken` for a connection that breaks, `silent` for none that ever comes. */
export type Answered = Response | "broken" | "silent";

interface Timer {
  readonly atSeconds: number;
  readonly callback: () => void;
}

const ROUNDS_TO_SETTLE = 20;

export class World {
  readonly asked: Asked[] = [];
  nowSeconds = 100;
  chance = 0.5;
  #timers: Timer[] = [];
  readonly #answer: (asked: Asked) => Answered;

  constructor(answer: (asked: Asked) => Answered) {
    this.#answer = answer;
  }

  client(settings: ClientSettings = {}): Client {
    return new Client("http://gateway", settings, this.surroundings());
  }

  surroundings(): Surroundings {
    return {
      fetch: (input, init) => this.#fetch(String(input), init ?? {}),
      nowSeconds: () => this.nowSeconds,
      chance: () => this.chance,
      after: (seconds, callback) => {
        const timer = { atSeconds: this.nowSeconds + seconds, callback };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((other) => other !== timer);
        };
      },
    };
  }

  /** The predictions that were asked for, metadata left out. */
  get predictions(): readonly Asked[] {
    return this.asked.filter((asked) => asked.method === "POST");
  }

  /** Timers that nobody called off. */
  get pending(): number {
    return this.#timers.length;
  }

  /** What the promise comes to, however long it waits in this world. */
  async come<Result>(promise: Promise<Result>): Promise<Result> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    for (;;) {
      for (let round = 0; round < ROUNDS_TO_SETTLE && !settled; round++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      const [next] = this.#timers.sort((one, other) => one.atSeconds - other.atSeconds);
      if (settled || next === undefined) {
        return await promise;
      }
      this.#timers.shift();
      this.nowSeconds = next.atSeconds;
      next.callback();
    }
  }

  #fetch(url: string, init: RequestInit): Promise<Response> {
    const { body } = init;
    const asked: Asked = {
      method: init.method ?? "GET",
      path: url.replace("http://gateway", ""),
      headers: init.headers as Record<string, string>,
      body: typeof body === "string" ? JSON.parse(body) : body,
      atSeconds: this.nowSeconds,
    };
    this.asked.push(asked);
    const answer = this.#answer(asked);
    if (answer === "broken") {
      return Promise.reject(new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") }));
    }
    if (answer !== "silent") {
      return Promise.resolve(answer);
    }
    return new Promise((_, reject) => {
      init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    });
  }
}

export function json(body: unknown, headers: Readonly<Record<string, string>> = {}, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

export function refused(
  status: number,
  code: string,
  more: { readonly field?: string; readonly retryAfter?: string } = {},
): Response {
  const { field, retryAfter } = more;
  const body = { error: `no: ${code}`, code, request_id: "r7", ...(field === undefined ? {} : { field }) };
  return json(body, retryAfter === undefined ? {} : { "retry-after": retryAfter }, status);
}

/** The metadata of a version of `spam`, a classifier of texts. */
export function spam(version = 1, labels: readonly string[] = ["ham", "spam"]): Response {
  return metadata("spam", version, [{ kind: "text", name: "text", dtype: "string" }], {
    task: "classification",
    labels,
  });
}

export function metadata(
  model: string,
  version: number,
  features: Manifest["features"],
  outputs: Manifest["outputs"],
): Response {
  const output = outputs.task === "classification" ? "probabilities" : "value";
  const signatures = { serving_default: { inputs: [], outputs: [{ name: output, dtype: "float32", row_shape: [] }] } };
  return json({
    model_spec: { name: model, signature_name: "", version: String(version) },
    metadata: { signature_def: { signature_def: {} }, manifest: { features, outputs, signatures } },
  });
}

export function isMetadata(asked: Asked): boolean {
  return asked.path.endsWith("/metadata");
}

/** The rows of a prediction that was asked for. */
export function instances(asked: Asked | undefined): readonly unknown[] {
  const body = asked?.body as PredictRequest | undefined;
  return body?.instances ?? [];
}

/** A gateway whose predictions are told by `answer`; `number` counts them from 1. */
export function spamWorld(answer: (number: number, asked: Asked) => Answered): World {
  let number = 0;
  return new World((asked) => {
    if (isMetadata(asked)) {
      return spam();
    }
    number += 1;
    return answer(number, asked);
  });
}

/** Each row's answer: ham by a quarter. */
export const good = (asked: Asked, version = 1): Response =>
  json(
    { predictions: instances(asked).map(() => [0.25, 0.75]) },
    { "x-model-version": String(version), "x-request-id": "r1" },
  );
