/**
 * Which error an answer stands for: by the `code` in its body, else by its HTTP status.
 *
 * Pure, and the only place that knows both statuses and error classes.
 */

import * as errors from "./errors.js";
import type { Response } from "./messages.js";
import type { ErrorAnswer } from "./wire.js";

type ErrorClass = new (message: string, details?: errors.ErrorDetails) => errors.PenstockError;

const NOT_THE_GATEWAYS: ReadonlySet<string> = new Set([
  "PenstockError",
  "UnreadableFile",
  "ConnectionFailed",
  "UnexpectedAnswer",
]);

/** The gateway's errors by their names. */
export const BY_CODE: ReadonlyMap<string, ErrorClass> = new Map(
  Object.entries(errors).filter(([name]) => !NOT_THE_GATEWAYS.has(name)),
);

/** For answers without a code we know: plain TensorFlow Serving, an ingress, a newer gateway. */
export const BY_STATUS: ReadonlyMap<number, ErrorClass> = new Map<number, ErrorClass>([
  [400, errors.InvalidInput],
  [401, errors.Unauthenticated],
  [403, errors.Forbidden],
  [404, errors.UnknownModel],
  [408, errors.DeadlineExceeded],
  [413, errors.PayloadTooLarge],
  [415, errors.UnsupportedMediaType],
  [422, errors.InvalidInput],
  [429, errors.QuotaExceeded],
  [500, errors.BackendError],
  [502, errors.BackendUnavailable],
  [503, errors.BackendUnavailable],
  [504, errors.DeadlineExceeded],
]);

const LIKELY_A_WRONG_URL: ReadonlySet<number> = new Set([400, 404, 422]);
const FOREIGN_BODY_SHOWN_CHARACTERS = 200;

/** The error that a response of any status but 200 stands for, to be thrown. */
export function errorFrom(response: Response): errors.PenstockError {
  const retryAfterSeconds = secondsOf(response.headers["retry-after"]);
  const body = errorBody(response.body);
  if (body === undefined) {
    return foreign(response, retryAfterSeconds);
  }
  const known = BY_CODE.get(body.code ?? "") ?? BY_STATUS.get(response.status) ?? errors.UnexpectedAnswer;
  return new known(body.error, {
    field: body.field || undefined,
    requestId: body.request_id || response.headers["x-request-id"],
    retryAfterSeconds,
  });
}

/** Not our error body. A proxy's own page keeps its status's meaning, unless a wrong URL is the likelier cause. */
function foreign(response: Response, retryAfterSeconds: number | undefined): errors.PenstockError {
  let known = BY_STATUS.get(response.status) ?? errors.UnexpectedAnswer;
  let said = response.body.slice(0, FOREIGN_BODY_SHOWN_CHARACTERS).trim();
  if (LIKELY_A_WRONG_URL.has(response.status) || known === errors.UnexpectedAnswer) {
    known = errors.UnexpectedAnswer;
    said = `is the URL that of Penstock's gateway? ${response.headers["location"] ?? said}`;
  }
  return new known(`status ${response.status} without an error body: ${said}`, {
    requestId: response.headers["x-request-id"],
    retryAfterSeconds,
  });
}

/** TensorFlow Serving's own error body has `error` alone. */
function errorBody(text: string): (Partial<ErrorAnswer> & Pick<ErrorAnswer, "error">) | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "error" in body && typeof body.error === "string") {
      return { ...body, error: body.error };
    }
  } catch {
    // no JSON: a proxy's page
  }
  return undefined;
}

/** RFC 9110 also allows a date there; the gateway writes seconds, and another's date is not worth a clock. */
function secondsOf(retryAfter: string | undefined): number | undefined {
  const seconds = retryAfter?.trim() ? Number(retryAfter) : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}
