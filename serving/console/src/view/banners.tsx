/**
 * What stands above everything while something is wrong. Said aloud elsewhere (`app.tsx`), once.
 */

import type { Watched } from "../watching.js";

export function Banners({ watched }: { readonly watched: Watched }) {
  const { figures, lostSeconds } = watched;
  if (figures === undefined) {
    return null;
  }
  if (lostSeconds !== undefined) {
    const since = new Date(lostSeconds * 1000).toLocaleTimeString("en-GB");
    return (
      <div class="banner bad" data-banner="lost">
        <strong>The gateway does not answer</strong> since {since}. What you see is the last it said; it is asked again
        every second.
      </div>
    );
  }
  if (!figures.backend.up && figures.models.length > 0) {
    return (
      <div class="banner bad" data-banner="backend">
        <strong>The backend “{figures.backend.name}” does not answer.</strong> Requests are refused with status 503
        until it is back.
      </div>
    );
  }
  return null;
}
