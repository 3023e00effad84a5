/**
 * What a client and a single call may be told, checked at once.
 *
 * Pure.
 */

import type { AskedHeaders, Priority } from "./wire.js";

export interface ClientSettings {
  /** From the beginning of a call to its answer, all attempts and waits together; the gateway is told. Default 10. */
  readonly timeoutSeconds?: number | undefined;
  /** Further attempts at a call that failed in a way that ends by itself. Default 3; 0 turns them off. */
  readonly retries?: number | undefined;
  /** Sent as `X-API-Key`. */
  readonly apiKey?: string | undefined;
  /** Sent as `Authorization: Bearer`; where it expires, a function that is asked at each call for the current one. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Asked at each call for the W3C trace context that it belongs to. */
  readonly traceparent?: (() => string | undefined) | undefined;
  /** Sends the requests. Default: `globalThis.fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

export interface CallOptions {
  /** Instead of the client's. */
  readonly timeoutSeconds?: number | undefined;
  /** Ends the call, which then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** What the gateway's logs are to call the request: letters, digits and `._:/+=@-`, up to 128. */
  readonly requestId?: string | undefined;
  /** The W3C trace context of this call, instead of the client's. */
  readonly traceparent?: string | undefined;
}

/** Which version is meant. With neither, the gateway chooses: its `stable` version, else the newest. */
export interface VersionOptions extends CallOptions {
  readonly version?: number | undefined;
  readonly label?: string | undefined;
}

export interface PredictOptions extends VersionOptions {
  /** Whose requests go first when there is more to do than can be done at once. */
  readonly priority?: Priority | undefined;
}

export interface PredictManyOptions extends PredictOptions {
  /** Rows of one request. Default 256. */
  readonly chunkRows?: number | undefined;
  /** Requests under way at once. Default 4. */
  readonly concurrency?: number | undefined;
  /** Called after each chunk, with the rows answered so far and all of them. */
  readonly onProgress?: ((doneRows: number, totalRows: number) => void) | undefined;
}

/** Long against a prediction's milliseconds, short against a person's patience. */
export const DEFAULT_TIMEOUT_SECONDS = 10;
/** As the Python client: with waits that double from 0.1 s at most, for what passes within a second. */
export const DEFAULT_RETRIES = 3;
/** Four of the gateway's batches, and a few hundred kilobytes of numbers. */
export const DEFAULT_CHUNK_ROWS = 256;
/** One computes, one waits, one is read and one written; browsers open six connections to a gateway at most. */
export const DEFAULT_CONCURRENCY = 4;

const REQUEST_ID = /^[A-Za-z0-9._:/+=@-]{1,128}$/;
const PRINTABLE = /^[\x20-\x7e]+$/;
/** `version-trace-parent-flags` (https://www.w3.org/TR/trace-context/#traceparent-header). */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/;
const MILLISECONDS_A_SECOND = 1000;

/** The URL that paths are appended to; throws TypeError for one that is none, or has what `fetch` refuses and errors show. */
export function checkedUrl(url: string): string {
  if (/^https?:\/\/[^/?#]*@/i.test(url)) {
    throw new TypeError("url holds a user or a password; give apiKey or token, or a fetch of your own that adds them");
  }
  if (!/^https?:\/\//i.test(url)) {
    throw new TypeError(`url is "${url}"; it must begin with http:// or https://, as in http://127.0.0.1:8080`);
  }
  return url.replace(/\/+$/, "");
}

export function checkedTimeout(seconds: number): number {
  if (!(seconds > 0 && Number.isFinite(seconds))) {
    throw new RangeError(`timeoutSeconds is ${seconds}; it must be above 0 and finite`);
  }
  return seconds;
}

export function checkedCount(name: string, value: number, least: number): number {
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`${name} is ${value}; it must be a whole number from ${least} on`);
  }
  return value;
}

/** Who asks, in a header. Throws TypeError for two credentials, or one that no header can carry. */
export function credentials(apiKey: string | undefined, token: string | undefined): Readonly<Record<string, string>> {
  if (apiKey !== undefined && token !== undefined) {
    throw new TypeError("apiKey and token were given; name one of them");
  }
  if (![apiKey ?? "-", token ?? "-"].every((text) => PRINTABLE.test(text))) {
    throw new TypeError("apiKey or token is empty or holds characters that no header can carry");
  }
  if (apiKey !== undefined) {
    return { "x-api-key": apiKey };
  }
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** Headers of all attempts at one call. Throws TypeError for values that the gateway would not take. */
export function callHeaders(
  options: PredictOptions,
  traceparent: string | undefined,
): Readonly<Record<string, string>> {
  const { requestId, priority } = options;
  if (requestId !== undefined && !REQUEST_ID.test(requestId)) {
    throw new TypeError(`requestId is "${requestId}"; it may have 128 letters, digits and ._:/+=@-`);
  }
  if (traceparent !== undefined && !TRACEPARENT.test(traceparent)) {
    throw new TypeError(
      `traceparent is "${traceparent}"; W3C's trace context has the form 00-<32 hex>-<16 hex>-<2 hex>`,
    );
  }
  const asked: AskedHeaders = {
    ...(requestId === undefined ? {} : { "x-request-id": requestId }),
    ...(priority === undefined ? {} : { "x-priority": priority }),
  };
  return { ...asked, ...(traceparent === undefined ? {} : { traceparent }) };
}

/** How long the caller still waits, so that the gateway skips work nobody waits for any more. */
export function timeoutHeader(remainingSeconds: number): AskedHeaders {
  return { "x-request-timeout-ms": String(Math.max(1, Math.ceil(remainingSeconds * MILLISECONDS_A_SECOND))) };
}
