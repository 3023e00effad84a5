/**
 * How far what is asked lies from what was trained on, feature by feature.
 */

import type { ModelFigures } from "../core/figures.js";
import { count } from "../core/format.js";

/** The usual reading of the population stability index. */
const SHIFTED = 0.25;
const MOVING = 0.1;

export function DriftFigures({ drift }: { readonly drift: ModelFigures["drift"] }) {
  const versions = Object.entries(drift ?? {}).filter(([, features]) => Object.keys(features).length > 0);
  if (versions.length === 0) {
    return null;
  }
  return (
    <section aria-labelledby="drift">
      <h3 id="drift" class="eyebrow">
        Drift
      </h3>
      {versions.map(([version, features]) => (
        <div key={version} class="card">
          <table class="drift">
            <caption>
              Version {version}: population stability index against the training split. Below {MOVING} steady, above{" "}
              {SHIFTED} shifted.
            </caption>
            <thead>
              <tr>
                <th scope="col">Feature</th>
                <th scope="col">Index</th>
                <th scope="col">
                  <span class="unseen">Reading</span>
                </th>
                <th scope="col">Rows</th>
              </tr>
            </thead>
            <tbody>
              {Object.entries(features)
                .sort(([, one], [, other]) => other.psi - one.psi)
                .map(([feature, { psi, rows }]) => (
                  <tr key={feature}>
                    <th scope="row">{feature}</th>
                    <td class="number">{psi.toFixed(3)}</td>
                    <td class="reading">
                      <span class={`meter ${toneOf(psi)}`} aria-hidden="true">
                        <span style={{ width: `${Math.min(1, psi / (2 * SHIFTED)) * 100}%` }} />
                      </span>
                      <span class={`word ${toneOf(psi)}`}>{wordOf(psi)}</span>
                    </td>
                    <td class="number">{count(rows)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      ))}
    </section>
  );
}

function toneOf(psi: number): string {
  return psi >= SHIFTED ? "bad" : psi >= MOVING ? "warn" : "good";
}

function wordOf(psi: number): string {
  return psi >= SHIFTED ? "shifted" : psi >= MOVING ? "moving" : "steady";
}
