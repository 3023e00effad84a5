/**
 * What goes over the wire, without the wire: the request to send, the answer that came, whom a request addresses.
 *
 * Pure. A flow is a generator that yields each Request it wants sent and is handed the Response; what it returns is the
 * result of the call.
 */

/** `path` begins with `/` and follows the gateway's URL; header names are in lower case. */
export interface Request {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Header names are in lower case. */
export interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Flow<Result> = Generator<Request, Result, Response>;

/** Whom a request asks: a model, and of it a version, a label, or whichever version the gateway chooses. */
export interface Address {
  readonly model: string;
  readonly version?: number | undefined;
  readonly label?: string | undefined;
}

/** Throws TypeError for an address that names nobody, or two versions. */
export function pathOf(address: Address): string {
  const { model, version, label } = address;
  if (typeof model !== "string" || model === "") {
    throw new TypeError("the model's name is empty; models() lists what the gateway serves");
  }
  if (version !== undefined && label !== undefined) {
    throw new TypeError(`version ${version} and label "${label}" were given; name one of them`);
  }
  const base = `/v1/models/${encodeURIComponent(model)}`;
  if (version !== undefined) {
    if (!Number.isInteger(version)) {
      throw new TypeError(
        `version is ${String(version)}; it must be a whole number, and labels have an option of their own`,
      );
    }
    return `${base}/versions/${version}`;
  }
  return label === undefined ? base : `${base}/labels/${encodeURIComponent(label)}`;
}
