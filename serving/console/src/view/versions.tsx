/**
 * The versions of a model: state, labels, part of the traffic, requests, training report.
 */

import type { ModelMetadata } from "@penstock/client";
import { useState } from "preact/hooks";
import { type ModelFigures, newestFirst, shareOf, type VersionFigures } from "../core/figures.js";
import { count, percent, short } from "../core/format.js";
import { hasCredential, reportAddress } from "../gateway.js";
import { Report } from "./report.js";

interface VersionsProps {
  readonly model: ModelFigures;
  readonly metadata: ModelMetadata | undefined;
}

export function Versions({ model, metadata }: VersionsProps) {
  const versions = newestFirst(model);
  return (
    <section aria-labelledby="versions">
      <h3 id="versions" class="eyebrow">
        Versions
      </h3>
      <div class="card">
        {versions.length === 0 && <p class="quiet">No version has been seen yet.</p>}
        <ul class="versions">
          {versions.map((version) => (
            <Version
              key={version.version}
              model={model}
              version={version}
              metrics={metadata?.version === version.version ? metricsOf(metadata) : ""}
            />
          ))}
        </ul>
      </div>
    </section>
  );
}

interface VersionProps {
  readonly model: ModelFigures;
  readonly version: VersionFigures;
  readonly metrics: string;
}

function Version({ model, version, metrics }: VersionProps) {
  const { labels, part } = shareOf(model, version.version);
  return (
    <li data-version={version.version} class={version.is_live ? "" : "faded"}>
      <span class="number strong">Version {version.version}</span>
      <span class="chips">
        <span class={`chip ${toneOf(version)}`}>{version.error ? "failed" : version.state.toLowerCase()}</span>
        {labels.map((label) => (
          <span key={label} class="chip accent">
            {label}
          </span>
        ))}
      </span>
      <span class="share">
        <span class="meter" aria-hidden="true">
          <span style={{ width: `${part * 100}%` }} />
        </span>
        <span class="number">{percent(part)}</span>
        <span class="quiet"> of traffic</span>
      </span>
      <span class="number requests">
        {count(version.requests)} <span class="quiet">{version.requests === 1 ? "request" : "requests"}</span>
      </span>
      <span class="report">
        {version.has_report && hasCredential() ? (
          <ReportButton model={model.name} version={version.version} />
        ) : version.has_report ? (
          <a href={reportAddress(model.name, version.version)} target="_blank" rel="noopener">
            Training report<span class="unseen"> of version {version.version}, in a new tab</span>
          </a>
        ) : (
          <span class="quiet">no report</span>
        )}
      </span>
      {(version.error || metrics) && (
        <span class={version.error ? "note bad" : "note quiet"}>{version.error || metrics}</span>
      )}
    </li>
  );
}

/** A link carries no key; the report is fetched with it, and shown over the page. */
function ReportButton({ model, version }: { readonly model: string; readonly version: number }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Training report<span class="unseen"> of version {version}</span>
      </button>
      {open && <Report model={model} version={version} onClose={() => setOpen(false)} />}
    </>
  );
}

function toneOf(version: VersionFigures): string {
  if (version.error) {
    return "bad";
  }
  return version.is_live ? "good" : "plain";
}

const MOST_METRICS = 3;

/** The first figures of the test split, as the manifest has them. */
function metricsOf(metadata: ModelMetadata): string {
  const { metrics } = (metadata.manifest ?? {}) as { readonly metrics?: { readonly test?: Record<string, number> } };
  const first = Object.entries(metrics?.test ?? {}).slice(0, MOST_METRICS);
  return first.length === 0
    ? ""
    : `On its test split: ${first.map(([name, value]) => `${name.replaceAll("_", " ")} ${short(value)}`).join(", ")}.`;
}
