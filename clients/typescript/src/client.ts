/**
 * The client: puts the parts together and runs flows; it decides nothing itself.
 */

import { withoutBlobs } from "./blobs.js";
import type { Bytes } from "./bytes.js";
import { chunked, inParallel, rowsOf } from "./chunks.js";
import { InvalidInput } from "./errors.js";
import { Flows } from "./flows.js";
import type { Address, Flow } from "./messages.js";
import type { ModelMetadata, VersionStatus } from "./metadata.js";
import type { Prediction } from "./prediction.js";
import { RetryBudget } from "./retries.js";
import { Call, type Line } from "./sending.js";
import {
  type CallOptions,
  type ClientSettings,
  callHeaders,
  checkedCount,
  checkedTimeout,
  checkedUrl,
  credentials,
  DEFAULT_CHUNK_ROWS,
  DEFAULT_CONCURRENCY,
  DEFAULT_RETRIES,
  DEFAULT_TIMEOUT_SECONDS,
  type PredictManyOptions,
  type PredictOptions,
  type VersionOptions,
} from "./settings.js";
import { realSurroundings, type Surroundings } from "./surroundings.js";
import type { NumberArray } from "./typedArrays.js";

/** A file: a Blob or File, or its bytes. */
export type FileInput = Blob | Bytes;
/** Features by name. */
export type InputRecord = Readonly<{ [feature: string]: unknown }>;
/** What is always one row. */
export type OneInput = FileInput | string | InputRecord;

/**
 * A gateway at `url`, such as `http://127.0.0.1:8080`. Calls fail with PenstockError's family (see `errors.ts`), with
 * TypeError or RangeError for wrong use, and with the signal's own reason when they are aborted.
 */
export class Client {
  readonly #flows = new Flows();
  readonly #line: Line;
  readonly #timeoutSeconds: number;
  readonly #traceparent: () => string | undefined;

  /** `surroundings` is for tests: a clock, timers and chance of their own. */
  constructor(
    url: string,
    settings: ClientSettings = {},
    surroundings: Surroundings = realSurroundings(settings.fetch),
  ) {
    this.#timeoutSeconds = checkedTimeout(settings.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS);
    this.#traceparent = settings.traceparent ?? (() => undefined);
    this.#line = {
      url: checkedUrl(url),
      retries: checkedCount("retries", settings.retries ?? DEFAULT_RETRIES, 0),
      credentials: asking(settings),
      budget: new RetryBudget(),
      surroundings,
    };
  }

  /**
   * One Prediction for one input, a list for many, in order.
   *
   * `inputs`: a record or a list of records, nested lists of numbers, a typed array, a file as Blob, File, ArrayBuffer or
   * Uint8Array, a string, or a list of those. `inputs.ts` has the rule for what is one and what is many.
   */
  predict(model: string, inputs: FileInput | string, options?: PredictOptions): Promise<Prediction>;
  predict(
    model: string,
    inputs: readonly (FileInput | InputRecord)[],
    options?: PredictOptions,
  ): Promise<readonly Prediction[]>;
  predict(
    model: string,
    inputs: readonly unknown[] | NumberArray,
    options?: PredictOptions,
  ): Promise<Prediction | readonly Prediction[]>;
  predict(model: string, inputs: InputRecord, options?: PredictOptions): Promise<Prediction>;
  async predict(
    model: string,
    inputs: unknown,
    options: PredictOptions = {},
  ): Promise<Prediction | readonly Prediction[]> {
    const call = this.#call(options);
    return await call.run(this.#flows.predict(address(model, options), await withoutBlobs(inputs)));
  }

  /**
   * A Prediction for each row, in order, over several requests at once. Rows are the elements of a list, or the pieces
   * of a typed array as long as a row. `timeoutSeconds` counts for each request; within it, one that the gateway has no room
   * for comes back as often as the gateway says when to. The first failure ends all; the `field` of an InvalidInput counts
   * rows from the beginning of `rows`.
   */
  async predictMany(
    model: string,
    rows: readonly unknown[] | NumberArray,
    options: PredictManyOptions = {},
  ): Promise<readonly Prediction[]> {
    const { chunkRows = DEFAULT_CHUNK_ROWS, concurrency = DEFAULT_CONCURRENCY, onProgress, signal } = options;
    checkedCount("chunkRows", chunkRows, 1);
    checkedCount("concurrency", concurrency, 1);
    const to = address(model, options);
    const { features } = await this.#call(options).run(this.#flows.described(to));
    const all = rowsOf(rows, features);
    let doneRows = 0;
    const answer = async (chunk: readonly unknown[], place: number, stop: AbortSignal) => {
      const call = this.#call({ ...options, signal: stop }, true);
      const instances = (await withoutBlobs(chunk)) as readonly unknown[];
      const predictions = await counted(call.run(this.#flows.predictRows(to, instances)), place * chunkRows);
      doneRows += predictions.length;
      onProgress?.(doneRows, all.length);
      return predictions;
    };
    return Object.freeze((await inParallel(chunked(all, chunkRows), concurrency, answer, signal)).flat());
  }

  /** What the version takes and answers, asked anew. */
  async metadata(model: string, options: VersionOptions = {}): Promise<ModelMetadata> {
    return await this.#run(this.#flows.metadata(address(model, options)), options);
  }

  /** The state of each version that the gateway knows of, newest first. */
  async status(model: string, options: CallOptions = {}): Promise<readonly VersionStatus[]> {
    return await this.#run(this.#flows.status({ model }), options);
  }

  /** The names of the models served. */
  async models(options: CallOptions = {}): Promise<readonly string[]> {
    return await this.#run(this.#flows.models(), options);
  }

  #run<Result>(flow: Flow<Result>, options: CallOptions): Promise<Result> {
    return this.#call(options).run(flow);
  }

  #call(options: PredictOptions, patient = false): Call {
    const headers = callHeaders(options, options.traceparent ?? this.#traceparent());
    const timeoutSeconds = checkedTimeout(options.timeoutSeconds ?? this.#timeoutSeconds);
    return new Call(this.#line, headers, timeoutSeconds, { signal: options.signal, patient });
  }
}

/** Checked at once where it can be. */
function asking({ apiKey, token }: ClientSettings): Line["credentials"] {
  if (typeof token === "function") {
    credentials(apiKey, "any");
    return async () => credentials(undefined, await token());
  }
  const known = Promise.resolve(credentials(apiKey, token));
  return () => known;
}

function address(model: string, { version, label }: VersionOptions): Address {
  return { model, version, label };
}

/** The gateway counts the rows of a request; the caller those of all. */
async function counted<Result>(answer: Promise<Result>, firstRow: number): Promise<Result> {
  try {
    return await answer;
  } catch (error) {
    const place = error instanceof InvalidInput && /^\/instances\/(\d+)(.*)$/.exec(error.field ?? "");
    if (!place) {
      throw error;
    }
    throw new (error.constructor as typeof InvalidInput)(error.message, {
      field: `/instances/${firstRow + Number(place[1])}${place[2]}`,
      requestId: error.requestId,
      cause: error,
    });
  }
}
