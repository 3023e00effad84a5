/**
 * The gateway's figures as `/console/figures` sends them, and what the page reads off one such document.
 *
 * Pure. Counts are since the gateway began, summed over its processes; rates come from two documents (`rates.ts`).
 */

export interface Figures {
  /** The gateway's own monotonic clock. */
  readonly at_seconds: number;
  readonly version: string;
  readonly backend: Backend;
  readonly queue: { readonly rows: number; readonly oldest_age_seconds: number };
  readonly in_flight_batches: number;
  readonly in_flight_limit: number;
  readonly models: readonly ModelFigures[];
}

export interface Backend {
  readonly name: string;
  readonly up: boolean;
}

export interface ModelFigures {
  readonly name: string;
  /** What answers a request that names neither version nor label. */
  readonly answering_version: number | null;
  /** Version by label. */
  readonly labels: Readonly<Record<string, number>>;
  /** Weights by label for requests without a version or label; empty where nothing is split. */
  readonly split: Readonly<Record<string, number>>;
  readonly versions: readonly VersionFigures[];
  /** Requests by outcome: HTTP's status, or gRPC's code. */
  readonly requests: Readonly<Record<string, number>>;
  /** Refused requests by reason: the name of an error. */
  readonly refused: Readonly<Record<string, number>>;
  readonly rows: number;
  readonly latency: { readonly bounds_seconds: readonly number[]; readonly counts: readonly number[] };
  readonly batch_rows: { readonly bounds: readonly number[]; readonly counts: readonly number[] };
  /** By version, then feature; nothing where no sample of predictions is kept. */
  readonly drift?: Readonly<Record<string, Readonly<Record<string, Drift>>>>;
}

export interface VersionFigures {
  readonly version: number;
  readonly state: string;
  /** Whether it answers requests. */
  readonly is_live: boolean;
  /** Why it is not there, or empty. */
  readonly error: string;
  readonly has_report: boolean;
  readonly requests: number;
}

export interface Drift {
  /** Population stability index. */
  readonly psi: number;
  readonly rows: number;
}

/** The outcomes that are none of an error. */
const GOOD = /^(2\d\d|OK)$/;

/** Where a version stands in the traffic. */
export interface Share {
  readonly labels: readonly string[];
  /** Part of the requests that name no version, 0 to 1. */
  readonly part: number;
}

/** Versions newest first. */
export function newestFirst(model: ModelFigures): readonly VersionFigures[] {
  return [...model.versions].sort((one, other) => other.version - one.version);
}

export function liveVersions(model: ModelFigures): readonly VersionFigures[] {
  return newestFirst(model).filter((version) => version.is_live);
}

/** What part of the traffic a version gets, and the labels that point at it. */
export function shareOf(model: ModelFigures, version: number): Share {
  const labels = Object.keys(model.labels).filter((label) => model.labels[label] === version);
  const live = new Set(liveVersions(model).map((one) => one.version));
  const arms = Object.entries(model.split).filter(([label]) => live.has(model.labels[label] ?? 0));
  const total = arms.reduce((sum, [, weight]) => sum + weight, 0);
  if (total === 0) {
    return { labels, part: model.answering_version === version ? 1 : 0 };
  }
  const own = arms.reduce((sum, [label, weight]) => sum + (model.labels[label] === version ? weight : 0), 0);
  return { labels, part: own / total };
}

export type Health = "serving" | "starting" | "failing" | "down";

/** One word for a model: whether requests that name no version are answered. */
export function healthOf(model: ModelFigures, backend: Backend): Health {
  if (!backend.up) {
    return "down";
  }
  if (liveVersions(model).length > 0) {
    return model.versions.some((version) => version.error !== "") ? "failing" : "serving";
  }
  return model.versions.some((version) => version.error !== "") ? "down" : "starting";
}

export function totalRequests(model: ModelFigures): number {
  return Object.values(model.requests).reduce((sum, count) => sum + count, 0);
}

export function totalErrors(model: ModelFigures): number {
  const wrong = Object.entries(model.requests).filter(([outcome]) => !GOOD.test(outcome));
  return wrong.reduce((sum, [, count]) => sum + count, 0);
}
