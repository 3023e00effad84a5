/**
 * What came back: bars or a value, where the time went, and which version it was. One sentence of it is said aloud.
 */

import type { Prediction } from "@penstock/client";
import { barsOf, partsOf, spoken } from "../core/answers.js";
import { duration, percent, predicted } from "../core/format.js";

export type Outcome = { readonly asking?: boolean } & (
  | { readonly state: "none" }
  | { readonly state: "answered"; readonly prediction: Prediction }
  | {
      readonly state: "failed";
      readonly message: string;
      /** The field it is about, where it stands already. */
      readonly field: string | undefined;
      readonly requestId: string | undefined;
    }
);

export function Answer({ outcome }: { readonly outcome: Outcome }) {
  return (
    <div class="card answer" data-outcome={outcome.state} aria-busy={outcome.asking === true}>
      <p role="status" class="unseen" data-spoken>
        {sentenceOf(outcome)}
      </p>
      {outcome.state === "none" && <p class="empty quiet">The answer appears here.</p>}
      {outcome.state === "failed" && <Failed outcome={outcome} />}
      {outcome.state === "answered" && <Answered prediction={outcome.prediction} />}
    </div>
  );
}

function sentenceOf(outcome: Outcome): string {
  if (outcome.state === "answered") {
    return spoken(outcome.prediction);
  }
  if (outcome.state === "failed") {
    return outcome.field === undefined ? outcome.message : `${outcome.field}: ${outcome.message}`;
  }
  return "";
}

function Failed({ outcome }: { readonly outcome: Outcome & { readonly state: "failed" } }) {
  return (
    <>
      <p class="refused">{outcome.field === undefined ? "No answer" : `Look at ${outcome.field}`}</p>
      <p class="why">{outcome.message}</p>
      {outcome.requestId && (
        <p class="quiet small">
          Request <code>{outcome.requestId}</code>
        </p>
      )}
    </>
  );
}

function Answered({ prediction }: { readonly prediction: Prediction }) {
  return (
    <>
      <Result prediction={prediction} />
      <Timing prediction={prediction} />
      <p class="quiet small trail">
        <span>
          Version <b data-answer="version">{prediction.version}</b>
        </span>
        {prediction.requestId && (
          <span>
            Request <code>{prediction.requestId}</code>
          </span>
        )}
      </p>
    </>
  );
}

function Result({ prediction }: { readonly prediction: Prediction }) {
  if (prediction.label !== undefined) {
    return (
      <>
        <p class="result">
          <span class="big" data-answer="label">
            {prediction.label}
          </span>
          <span class="quiet">{percent(prediction.probabilities[prediction.label] ?? Number.NaN)} sure</span>
        </p>
        <ul class="bars" aria-label="Probability of each class">
          {barsOf(prediction).map(({ label, part }) => (
            <li key={label} class={label === prediction.label ? "best" : ""}>
              <span class="label cut">{label}</span>
              <span class="meter" aria-hidden="true">
                <span style={{ width: `${Math.max(0, part) * 100}%` }} />
              </span>
              <span class="number">{percent(part)}</span>
            </li>
          ))}
        </ul>
      </>
    );
  }
  if (prediction.value !== undefined) {
    return (
      <p class="result">
        <span class="quiet">{prediction.target}</span>
        <span class="big">
          <span data-answer="value">{predicted(prediction.value)}</span>
          {prediction.unit && (
            <span class="unit" data-answer="unit">
              {" "}
              {prediction.unit}
            </span>
          )}
        </span>
      </p>
    );
  }
  return <pre class="code">{JSON.stringify(prediction.outputs, null, 2)}</pre>;
}

function Timing({ prediction }: { readonly prediction: Prediction }) {
  const parts = partsOf(prediction.timing);
  const total = parts.reduce((sum, part) => sum + part.seconds, 0);
  const { batchRows } = prediction.timing;
  if (parts.length === 0) {
    return null;
  }
  return (
    <div class="timing">
      <p class="small">
        <span class="number strong">{duration(total)}</span>
        <span class="quiet">
          {" "}
          in the gateway{batchRows ? `, in a batch of ${batchRows} ${batchRows === 1 ? "row" : "rows"}` : ""}
        </span>
      </p>
      <div class="stack" aria-hidden="true">
        {parts.map(({ name, seconds }) => (
          <span key={name} class={name} style={{ flexGrow: 100 * Math.max(seconds / total, 0.005) }} />
        ))}
      </div>
      <ul class="legend">
        {parts.map(({ name, seconds }) => (
          <li key={name}>
            <span class={`swatch ${name}`} aria-hidden="true" />
            {name} <span class="number">{duration(seconds)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
