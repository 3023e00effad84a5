/**
 * "Try it": the form of the version that would answer, its answer, and the same call to copy.
 */

import type { ModelMetadata } from "@penstock/client";
import { useMemo, useState } from "preact/hooks";
import { liveVersions, type ModelFigures } from "../core/figures.js";
import { formOf } from "../core/form.js";
import { useMetadata } from "./metadata.js";
import { TryForm } from "./tryForm.js";

interface TryItProps {
  readonly model: ModelFigures;
  /** Of the version that traffic goes to. */
  readonly metadata: ModelMetadata | undefined;
  readonly problem: string | undefined;
  readonly serving: boolean;
}

export function TryIt({ model, metadata, problem, serving }: TryItProps) {
  const [wanted, setWanted] = useState("");
  const choices = choicesOf(model);
  const asked = choices.some((choice) => choice.value === wanted) ? wanted : "";
  const chosen = addressOf(asked);
  const other = useMetadata(model.name, chosen, asked === "" || !serving ? undefined : JSON.stringify(model.labels));
  const shown = asked === "" ? metadata : other.metadata;
  return (
    <section aria-labelledby="try">
      <div class="bar">
        <h3 id="try" class="eyebrow">
          Try it
        </h3>
        {choices.length > 2 && (
          <label class="ask">
            Ask{" "}
            <select value={asked} onChange={(event) => setWanted(event.currentTarget.value)}>
              {choices.map(({ value, words }) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {!serving && shown !== undefined && (
        <p class="quiet paused">No version is live now: an answer comes when one is.</p>
      )}
      {shown === undefined ? (
        <Missing serving={serving} problem={asked === "" ? problem : other.problem} />
      ) : (
        <Form model={model.name} metadata={shown} asked={chosen} />
      )}
    </section>
  );
}

interface Choice {
  readonly value: string;
  readonly words: string;
}

function choicesOf(model: ModelFigures): readonly Choice[] {
  return [
    { value: "", words: "as traffic goes" },
    ...Object.entries(model.labels).map(([label, version]) => ({
      value: `label:${label}`,
      words: `${label} (version ${version})`,
    })),
    ...liveVersions(model).map(({ version }) => ({ value: `version:${version}`, words: `version ${version}` })),
  ];
}

export interface Asked {
  readonly version: number | undefined;
  readonly label: string | undefined;
}

function addressOf(asked: string): Asked {
  const [kind, name] = [asked.slice(0, asked.indexOf(":")), asked.slice(asked.indexOf(":") + 1)];
  return { version: kind === "version" ? Number(name) : undefined, label: kind === "label" ? name : undefined };
}

function Missing({ serving, problem }: { readonly serving: boolean; readonly problem: string | undefined }) {
  if (!serving) {
    return <div class="card quiet">No version is live: there is nothing to ask yet.</div>;
  }
  return problem === undefined ? (
    <div class="card" aria-busy="true">
      <div class="skeleton" />
      <div class="skeleton" />
    </div>
  ) : (
    <div class="card">What the version takes could not be read: {problem}</div>
  );
}

interface FormProps {
  readonly model: string;
  readonly metadata: ModelMetadata;
  readonly asked: Asked;
}

/** Made anew when another version takes other features, so that what was typed survives a version that does not. */
function Form({ model, metadata, asked }: FormProps) {
  const features = JSON.stringify(metadata.manifest?.features ?? metadata.features);
  const form = useMemo(
    () => formOf(metadata.manifest ?? { features: metadata.features, golden_examples: [] }),
    [metadata.version, features],
  );
  return <TryForm key={features} model={model} form={form} asked={asked} takes={features} />;
}
