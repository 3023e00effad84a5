/**
 * The page's head: whose console it is, what runs the models, and whether the figures are fresh.
 */

import { hasCredential, show } from "../gateway.js";
import type { Watched } from "../watching.js";
import { Mark } from "./mark.js";

interface HeaderProps {
  readonly watched: Watched;
  readonly onForgotten: () => void;
}

export function Header({ watched, onForgotten }: HeaderProps) {
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
          {watched.refusal !== undefined ? "asks for a key" : contact(watched)}
        </span>
      </div>
      <nav aria-label="Elsewhere" class="elsewhere">
        {hasCredential() ? (
          <button
            type="button"
            class="forget"
            onClick={() => {
              show(undefined);
              onForgotten();
            }}
          >
            Forget the key
          </button>
        ) : (
          <>
            <a href="/docs">API</a>
            <a href="/metrics">Metrics</a>
          </>
        )}
      </nav>
    </header>
  );
}

function contact({ figures, lostSeconds }: Watched): string {
  if (lostSeconds !== undefined) {
    return "no contact";
  }
  return figures ? "live" : "connecting";
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
