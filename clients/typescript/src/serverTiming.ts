/**
 * Where a request's time went at the gateway, from its `Server-Timing` header (https://www.w3.org/TR/server-timing/).
 *
 * Pure.
 */

/** What the answer did not say is undefined: a gateway on another origin must expose the header to the page. */
export interface Timing {
  readonly decodeSeconds: number | undefined;
  readonly queueSeconds: number | undefined;
  readonly backendSeconds: number | undefined;
  readonly encodeSeconds: number | undefined;
  /** Rows of the batch in which the request was computed. */
  readonly batchRows: number | undefined;
  /** `hit`, `shared` or `miss` where the model has a cache of answers. */
  readonly cache: string | undefined;
}

const MILLISECONDS_A_SECOND = 1000;
const ENTRY = /([\w-]+)((?:\s*;\s*[\w-]+=(?:"[^"]*"|[^\s",;]*))*)/g;

export function readTiming(header: string | undefined): Timing {
  const entries = new Map<string, string>();
  for (const [, name = "", parameters = ""] of (header ?? "").matchAll(ENTRY)) {
    entries.set(name, parameters);
  }
  const seconds = (name: string): number | undefined => {
    const milliseconds = /;\s*dur="?([\d.]+)/.exec(entries.get(name) ?? "")?.[1];
    return milliseconds === undefined ? undefined : Number(milliseconds) / MILLISECONDS_A_SECOND;
  };
  const described = (name: string): string | undefined => /;\s*desc="?([^";]*)/.exec(entries.get(name) ?? "")?.[1];
  const rows = Number.parseInt(described("batch") ?? "", 10);
  return Object.freeze({
    decodeSeconds: seconds("decode"),
    queueSeconds: seconds("queue"),
    backendSeconds: seconds("backend"),
    encodeSeconds: seconds("encode"),
    batchRows: Number.isNaN(rows) ? undefined : rows,
    cache: described("cache"),
  });
}
