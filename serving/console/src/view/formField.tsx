/**
 * One field of the form with its label, unit, hint and error, by the kind of its feature.
 */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Field, FormModel } from "../core/form.js";
import { isAttachment } from "../core/snippets.js";
import { ImageField } from "./imageField.js";
import type { Content } from "./tryForm.js";

export interface FormFieldProps {
  readonly field: Field;
  readonly examples: FormModel["examples"];
  readonly content: Content | undefined;
  readonly problem: string | undefined;
  /** undefined takes away what was there; `atOnce`: the answer is wanted without a click. */
  readonly onContent: (content: Content | undefined, atOnce: boolean) => void;
}

/** What binds a control to its label, hint and error. */
export interface Bound {
  readonly id: string;
  readonly "data-field": string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": boolean;
}

export function FormField(props: FormFieldProps) {
  const { field, problem } = props;
  const id = useId();
  const described = [...(field.hint || field.description ? [`${id}-hint`] : []), ...(problem ? [`${id}-problem`] : [])];
  const bound: Bound = {
    id,
    "data-field": field.name,
    "aria-describedby": described.join(" ") || undefined,
    "aria-invalid": problem !== undefined,
  };
  if (field.kind === "image") {
    return (
      <div class="field image">
        <ImageField {...props} bound={bound} />
        <Problem id={id} problem={problem} />
      </div>
    );
  }
  const wide = field.kind === "text" || field.kind === "tensor";
  return (
    <div class={`field ${wide ? "wide" : ""}`}>
      <label for={id}>
        {field.name}
        {field.unit && <span class="quiet"> {field.unit}</span>}
      </label>
      <Control {...props} bound={bound} />
      <Hint id={id}>
        {field.description !== field.name && <span class="about">{field.description}</span>}
        {field.hint && <span class="range">{field.hint}</span>}
      </Hint>
      <Problem id={id} problem={problem} />
    </div>
  );
}

function Control({ field, content, onContent, bound }: FormFieldProps & { readonly bound: Bound }) {
  const text = content === undefined || isAttachment(content) ? "" : content;
  const change = (event: { readonly currentTarget: { readonly value: string } }) =>
    onContent(event.currentTarget.value, false);
  if (field.kind === "category" && field.vocabulary.length > 0) {
    return (
      <select {...bound} value={text} onChange={change}>
        {!field.vocabulary.includes(text) && <option value={text}>{text || "not said"}</option>}
        {field.vocabulary.map((word) => (
          <option key={word} value={word}>
            {word}
          </option>
        ))}
      </select>
    );
  }
  if (field.kind === "text" || field.kind === "tensor") {
    return <textarea {...bound} rows={4} value={text} onInput={change} spellcheck={false} />;
  }
  const numeric = field.kind === "number";
  return (
    <input
      {...bound}
      type="text"
      inputMode={numeric ? "decimal" : "text"}
      autocomplete="off"
      value={text}
      onInput={change}
    />
  );
}

export function Hint({ id, children }: { readonly id: string; readonly children: ComponentChildren }) {
  return (
    <p id={`${id}-hint`} class="hint">
      {children}
    </p>
  );
}

function Problem({ id, problem }: { readonly id: string; readonly problem: string | undefined }) {
  return problem === undefined ? null : (
    <p id={`${id}-problem`} class="problem">
      {problem}
    </p>
  );
}
