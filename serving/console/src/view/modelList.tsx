/**
 * The models as a list of links, each with its health and how much it is asked.
 */

import { type Figures, type Health, healthOf, liveVersions } from "../core/figures.js";
import { short } from "../core/format.js";
import type { History } from "../core/history.js";

interface ModelListProps {
  readonly figures: Figures;
  readonly history: History;
  readonly current: string;
}

const WORDS: Readonly<Record<Health, string>> = {
  serving: "serving",
  starting: "starting",
  failing: "a version failed",
  down: "not serving",
};
export const TONES: Readonly<Record<Health, string>> = {
  serving: "good",
  starting: "plain",
  failing: "warn",
  down: "bad",
};

export function ModelList({ figures, history, current }: ModelListProps) {
  return (
    <nav class="models" aria-label="Models">
      <h2 class="eyebrow">Models</h2>
      <ul>
        {figures.models.map((model) => {
          const health = healthOf(model, figures.backend);
          const rate = history.samples[model.name]?.at(-1)?.requestsPerSecond;
          const live = liveVersions(model).map((version) => `v${version.version}`);
          return (
            <li key={model.name}>
              <a
                href={`#/${encodeURIComponent(model.name)}`}
                aria-current={model.name === current ? "page" : undefined}
              >
                <span class="name">
                  <span class={`dot ${TONES[health]}`} aria-hidden="true" />
                  <span class="cut">{model.name}</span>
                  <span class="unseen">, {WORDS[health]}</span>
                </span>
                <span class="quiet facts">
                  <span>{live.slice(0, 3).join(", ") || "no version"}</span>
                  <span class="number">{short(rate)} /s</span>
                </span>
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
