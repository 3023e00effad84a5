/**
 * One model: what answers, how it goes, and a form to ask it.
 */

import { useRef } from "preact/hooks";
import { type Backend, healthOf, liveVersions, type ModelFigures } from "../core/figures.js";
import type { Sample } from "../core/rates.js";
import { Charts } from "./charts.js";
import { DriftFigures } from "./driftFigures.js";
import { useMetadata } from "./metadata.js";
import { TONES } from "./modelList.js";
import { TryIt } from "./tryIt.js";
import { Versions } from "./versions.js";

interface ModelPageProps {
  readonly model: ModelFigures;
  readonly backend: Backend;
  readonly samples: readonly Sample[];
  readonly lost: boolean;
  /** Batches that may be in flight at once. */
  readonly limit: number;
}

export function ModelPage({ model, backend, samples, lost, limit }: ModelPageProps) {
  const live = liveVersions(model);
  // asked anew when what answers may have changed
  const answering = JSON.stringify([live.map((version) => version.version), model.labels, backend.up, lost]);
  const described = useMetadata(model.name, {}, live.length > 0 ? answering : undefined);
  const health = healthOf(model, backend);
  const last = useRef(described.metadata);
  last.current = described.metadata ?? last.current;
  const metadata = last.current;
  return (
    <article aria-labelledby="model-name">
      <div class="title">
        <h2 id="model-name">
          <span class={`dot large ${TONES[health]}`} aria-hidden="true" />
          {model.name}
        </h2>
        {metadata?.task && <span class="chip plain">{metadata.task}</span>}
      </div>
      {metadata?.description && <p class="lead">{metadata.description}</p>}
      <Versions model={model} metadata={metadata} />
      <TryIt model={model} metadata={metadata} problem={described.problem} serving={live.length > 0} />
      <Charts samples={samples} limit={limit} />
      <DriftFigures drift={model.drift} />
    </article>
  );
}
