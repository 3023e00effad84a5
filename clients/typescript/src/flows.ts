/**
 * Every call of the client as a flow: which requests it sends, in which order, and what it makes of the answers.
 *
 * Pure but for its memory of versions: no network and no clock. An answer that is not good is thrown into the flow, as
 * the error it stands for, by whoever runs it.
 */

import { InvalidInput } from "./errors.js";
import { type Body, type Rows, renderBody, splitRows } from "./inputs.js";
import { type Address, type Flow, pathOf, type Response } from "./messages.js";
import { type ModelMetadata, readMetadata, readModels, readStatus, type VersionStatus } from "./metadata.js";
import { type Prediction, readPrediction } from "./prediction.js";
import { reading, wholeNumber } from "./reading.js";
import { readTiming } from "./serverTiming.js";
import type { AnswerHeader, MetadataAnswer, ModelsAnswer, PredictAnswer, StatusAnswer } from "./wire.js";

const MODEL_VERSION: AnswerHeader = "x-model-version";
const REQUEST_ID: AnswerHeader = "x-request-id";
const SERVER_TIMING: AnswerHeader = "server-timing";

/**
 * The flows, and what they remember: each version's metadata, and which version last answered an address. A published
 * version never changes, so its metadata is fetched once. Labels are always those of the version that answered, not of
 * the one that was expected.
 */
export class Flows {
  readonly #byVersion = new Map<string, ModelMetadata>();
  readonly #lastAnswered = new Map<string, number>();

  *predict(address: Address, inputs: unknown): Flow<Prediction | readonly Prediction[]> {
    const expected = yield* this.described(address);
    const rows = splitRows(inputs, expected.features);
    const predictions = yield* this.#ask(address, rows, expected);
    return rows.many ? predictions : (predictions[0] as Prediction);
  }

  /** Every element of `instances` is a row. */
  *predictRows(address: Address, instances: readonly unknown[]): Flow<readonly Prediction[]> {
    const expected = yield* this.described(address);
    return yield* this.#ask(address, { instances, many: true }, expected);
  }

  *metadata(address: Address): Flow<ModelMetadata> {
    const response = yield { method: "GET", path: `${pathOf(address)}/metadata`, headers: {} };
    const metadata = read(response, "the model's metadata", (body) => readMetadata(body as MetadataAnswer));
    this.#byVersion.set(versionKey(address.model, metadata.version), metadata);
    this.#lastAnswered.set(pathOf(address), metadata.version);
    return metadata;
  }

  *status(address: Address): Flow<readonly VersionStatus[]> {
    const response = yield { method: "GET", path: pathOf(address), headers: {} };
    return read(response, "the model's status", (body) => readStatus(body as StatusAnswer));
  }

  *models(): Flow<readonly string[]> {
    const response = yield { method: "GET", path: "/v1/models", headers: {} };
    return read(response, "the list of models", (body) => readModels(body as ModelsAnswer));
  }

  /** The metadata of the version that is expected to answer: remembered, else asked. */
  *described(address: Address): Flow<ModelMetadata> {
    const version = address.version ?? this.#lastAnswered.get(pathOf(address));
    const known = version === undefined ? undefined : this.#byVersion.get(versionKey(address.model, version));
    return known ?? (yield* this.metadata(address));
  }

  *#ask(address: Address, rows: Rows, expected: ModelMetadata): Flow<readonly Prediction[]> {
    if (rows.instances.length === 0) {
      return [];
    }
    const response = yield* this.#sent(address, renderBody(rows, expected.features));
    const answered = yield* this.#answered(address, response, expected);
    const head = {
      requestId: response.headers[REQUEST_ID],
      timing: readTiming(response.headers[SERVER_TIMING]),
    };
    return read(response, "the prediction", (body) => {
      const { predictions } = body as PredictAnswer;
      if (predictions?.length !== rows.instances.length) {
        throw new TypeError(`${predictions?.length} predictions for ${rows.instances.length} rows`);
      }
      return Object.freeze(predictions.map((row) => readPrediction(row, answered, head)));
    });
  }

  *#sent(address: Address, body: Body): Flow<Response> {
    const headers = { "content-type": body.contentType };
    try {
      return yield { method: "POST", path: `${pathOf(address)}:predict`, headers, body: body.content };
    } catch (error) {
      if (error instanceof InvalidInput) {
        // The version may have changed to one with other features: look again before the next call.
        this.#lastAnswered.delete(pathOf(address));
      }
      throw error;
    }
  }

  /** The metadata of the version that answered; plain TensorFlow Serving does not say which one did. */
  *#answered(address: Address, response: Response, expected: ModelMetadata): Flow<ModelMetadata> {
    const said = response.headers[MODEL_VERSION];
    const version =
      said === undefined ? expected.version : reading(`the header ${MODEL_VERSION}`, () => wholeNumber(said));
    this.#lastAnswered.set(pathOf(address), version);
    return version === expected.version ? expected : yield* this.described({ model: address.model, version });
  }
}

function read<Result>(response: Response, what: string, parse: (body: unknown) => Result): Result {
  return reading(what, () => parse(JSON.parse(response.body)));
}

function versionKey(model: string, version: number): string {
  return `${version} ${model}`;
}
