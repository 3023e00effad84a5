/**
 * The page's head: whose console it is, what runs the models, and whether the figures are fresh.
 */

import type { Watched } from "../watching.js";
import { Mark } from "./mark.js";

export function Header({ watched }: { readonly watched: Watched }) {
  const { figures, lostSeconds } = watched;
  return (
    <header class="head">
      <div class="brand">
        <Mark />
        <h1>Penstock</h1>
        {figures && <span class="quiet version">{figures.version}</span>}
      </div>
      <div class="pulse">
        {figures && figures.models.length > 0 && (
          <span class={`chip ${lostSeconds !== undefined ? "plain" : figures.backend.up ? "good" : "bad"}`}>
            <Dot />
            {`${figures.backend.name} ${figures.backend.up ? "up" : "down"}`}
          </span>
        )}
        <span class={`chip ${freshness(watched)}`}>
          <Dot />
          {lostSeconds !== undefined ? "no contact" : figures ? "live" : "connecting"}
        </span>
      </div>
      <nav aria-label="Elsewhere" class="elsewhere">
        <a href="/docs">API</a>
        <a href="/metrics">Metrics</a>
      </nav>
    </header>
  );
}

function freshness({ figures, lostSeconds }: Watched): string {
  if (lostSeconds !== undefined) {
    return "bad";
  }
  return figures ? "good" : "plain";
}

export function Dot() {
  return <span class="dot" aria-hidden="true" />;
}
