/**
 * The page as a whole: who is watched, which model is looked at, and what stands there while something is missing.
 */

import { useEffect, useState } from "preact/hooks";
import type { Figures } from "../core/figures.js";
import { NOTHING_YET, type Watched, watch } from "../watching.js";
import { Banners } from "./banners.js";
import { CredentialForm } from "./credentialForm.js";
import { Header } from "./header.js";
import { ModelList } from "./modelList.js";
import { ModelPage } from "./modelPage.js";
import { NoModels, Unreachable, Waiting } from "./states.js";

export function App() {
  const [watched, setWatched] = useState<Watched>(NOTHING_YET);
  const [chosen, setChosen] = useState(modelInAddress);
  const [shown, setShown] = useState(0);
  const again = () => {
    setWatched(NOTHING_YET);
    setShown((before) => before + 1);
  };
  useEffect(() => watch(setWatched), [shown]);
  useEffect(() => {
    const moved = () => setChosen((before) => modelInAddress() ?? before);
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return (
    <>
      <a class="skip" href="#content">
        Skip to the model
      </a>
      <Header watched={watched} onForgotten={again} />
      <Banners watched={watched} />
      <p role="status" class="unseen">
        {watched.said}
      </p>
      {watched.figures === undefined ? (
        <main id="content" tabIndex={-1}>
          <NoFigures watched={watched} onShown={again} />
        </main>
      ) : (
        <Models figures={watched.figures} watched={watched} chosen={chosen} />
      )}
    </>
  );
}

function NoFigures({ watched, onShown }: { readonly watched: Watched; readonly onShown: () => void }) {
  if (watched.refusal !== undefined) {
    return <CredentialForm refusal={watched.refusal} onShown={onShown} />;
  }
  return watched.lostSeconds === undefined ? <Waiting /> : <Unreachable />;
}

interface ModelsProps {
  readonly figures: Figures;
  readonly watched: Watched;
  readonly chosen: string | undefined;
}

function Models({ figures, watched, chosen }: ModelsProps) {
  const model = figures.models.find((one) => one.name === chosen) ?? figures.models[0];
  useEffect(() => {
    document.title = model === undefined ? "Penstock" : `${model.name} · Penstock`;
  }, [model?.name]);
  if (model === undefined) {
    return (
      <main id="content" tabIndex={-1}>
        <NoModels />
      </main>
    );
  }
  return (
    <div class="pages">
      <ModelList figures={figures} history={watched.history} current={model.name} />
      <main id="content" tabIndex={-1}>
        <ModelPage
          key={model.name}
          model={model}
          backend={figures.backend}
          samples={watched.history.samples[model.name] ?? []}
          lost={watched.lostSeconds !== undefined}
          limit={figures.in_flight_limit}
        />
      </main>
    </div>
  );
}

/** `#/digits` names a model; any other hash is a place on the page. */
function modelInAddress(): string | undefined {
  const name = /^#\/(.+)$/.exec(location.hash)?.[1];
  try {
    return name === undefined ? undefined : decodeURIComponent(name);
  } catch {
    return undefined;
  }
}
