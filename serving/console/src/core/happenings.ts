/**
 * What is worth saying aloud when the figures have changed: versions that come and go, the backend, the gateway itself.
 *
 * Pure. Numbers that move every second are never among it.
 */

import type { Figures, ModelFigures } from "./figures.js";

/** Sentences. That the backend went or came says it for all its versions. */
export function happenings(before: Figures, after: Figures): readonly string[] {
  const news = ofBackend(before, after);
  return news.length > 0 ? news : after.models.flatMap((model) => ofModel(before, model));
}

function ofBackend(before: Figures, after: Figures): readonly string[] {
  if (before.backend.up === after.backend.up) {
    return [];
  }
  return [after.backend.up ? "The backend answers again." : "The backend does not answer."];
}

function ofModel(before: Figures, after: ModelFigures): readonly string[] {
  const earlier = before.models.find((model) => model.name === after.name);
  if (earlier === undefined) {
    return [`New model: ${after.name}.`];
  }
  return after.versions.flatMap((version) => {
    const then = earlier.versions.find((one) => one.version === version.version);
    const came = version.is_live && !then?.is_live;
    const failed = version.error !== "" && (then === undefined || then.error === "");
    const named = `${after.name} version ${version.version}`;
    return [...(came ? [`${named} is available.`] : []), ...(failed ? [`${named}: ${version.error}`] : [])];
  });
}
