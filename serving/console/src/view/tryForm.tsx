/**
 * The form itself: keeps what was typed, asks the gateway, and puts its errors where they belong.
 */

import { InvalidInput, PenstockError, type Prediction } from "@penstock/client";
import { useEffect, useRef, useState } from "preact/hooks";
import { type FormModel, fieldMeant, shown, typed } from "../core/form.js";
import { type Attachment, isAttachment, type Row } from "../core/snippets.js";
import { client } from "../gateway.js";
import { Answer, type Outcome } from "./answer.js";
import { CallToCopy } from "./callToCopy.js";
import { FormField } from "./formField.js";
import type { Asked } from "./tryIt.js";

/** What stands in a field: text, or a file. */
export type Content = string | Attachment;
type Contents = Readonly<Record<string, Content>>;

interface TryFormProps {
  readonly model: string;
  readonly form: FormModel;
  readonly asked: Asked;
  /** What the version takes, in a word: what was typed is kept for forms of the same. */
  readonly takes: string;
}

/** What was typed last, by model and what it takes: a model that is away for a moment takes its form with it. */
const kept = new Map<string, Contents>();

export function TryForm({ model, form, asked, takes }: TryFormProps) {
  const [contents, setContents] = useState<Contents>(() => kept.get(`${model} ${takes}`) ?? filled(form, 0));
  useEffect(() => {
    kept.set(`${model} ${takes}`, contents);
  }, [model, takes, contents]);
  const [outcome, setOutcome] = useState<Outcome>({ state: "none" });
  const asks = useRef(0);
  const element = useRef<HTMLFormElement>(null);
  const row = rowOf(form, contents);
  const wrong = outcome.state === "failed" ? outcome.field : undefined;

  const predict = async (from: Contents, moveFocus: boolean): Promise<void> => {
    asks.current += 1;
    const own = asks.current;
    setOutcome((before) => ({ ...before, asking: true }));
    const next = await asking(model, form, rowOf(form, from), asked);
    if (own !== asks.current) {
      return; // asked again meanwhile, or cleared
    }
    setOutcome(next);
    if (moveFocus && next.state === "failed" && next.field !== undefined) {
      element.current?.querySelector<HTMLElement>(`[data-field="${CSS.escape(next.field)}"]`)?.focus();
    }
  };
  const change = (name: string, content: Content | undefined, atOnce: boolean): void => {
    setContents(({ [name]: _, ...others }) => (content === undefined ? others : { ...others, [name]: content }));
    setOutcome((before) => (before.state === "failed" && before.field === name ? { state: "none" } : before));
    if (content === undefined && form.fields.length === 1) {
      asks.current += 1;
      setOutcome({ state: "none" });
    } else if (content !== undefined && atOnce && form.fields.length === 1) {
      void predict({ [name]: content }, false);
    }
  };
  const numbers = form.fields.filter((field) => field.kind !== "image");
  return (
    <div class="try">
      <form
        ref={element}
        class="card form"
        noValidate
        aria-label={`Ask ${model}`}
        onSubmit={(event) => {
          event.preventDefault();
          void predict(contents, true);
        }}
      >
        <div class="fields">
          {form.fields.map((field) => (
            <FormField
              key={field.name}
              field={field}
              examples={form.examples}
              content={contents[field.name]}
              problem={wrong === field.name && outcome.state === "failed" ? outcome.message : undefined}
              onContent={(content, atOnce) => change(field.name, content, atOnce)}
            />
          ))}
        </div>
        <div class="actions">
          <button type="submit" class="primary">
            Predict
          </button>
          {numbers.length > 0 && form.examples.length > 1 && (
            <Examples
              count={form.examples.length}
              onChoice={(place) => setContents({ ...contents, ...filled(form, place) })}
            />
          )}
        </div>
      </form>
      <div class="beside">
        <Answer outcome={outcome} />
        <CallToCopy model={model} asked={asked} row={row} />
      </div>
    </div>
  );
}

interface ExamplesProps {
  readonly count: number;
  readonly onChoice: (place: number) => void;
}

function Examples({ count, onChoice }: ExamplesProps) {
  return (
    <fieldset class="examples">
      <legend class="quiet">Examples</legend>
      {Array.from({ length: count }, (_, place) => (
        <button key={place} type="button" aria-label={`Example ${place + 1}`} onClick={() => onChoice(place)}>
          {place + 1}
        </button>
      ))}
    </fieldset>
  );
}

/** Images are drawn or chosen, never filled in. */
function filled(form: FormModel, place: number): Contents {
  const example = form.examples[place] ?? {};
  return Object.fromEntries(
    form.fields.filter((field) => field.kind !== "image").map((field) => [field.name, shown(example[field.name])]),
  );
}

/** The sole image goes as the file it is. */
function rowOf(form: FormModel, contents: Contents): Row | undefined {
  const [sole] = form.fields;
  if (form.fields.length === 1 && sole?.kind === "image") {
    const content = contents[sole.name];
    return isAttachment(content) ? content : undefined;
  }
  const values = form.fields.map((field) => {
    const content = contents[field.name] ?? "";
    return [field.name, isAttachment(content) ? content : typed(field, content)] as const;
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

async function asking(model: string, form: FormModel, row: Row | undefined, asked: Asked): Promise<Outcome> {
  if (row === undefined) {
    const field = form.fields[0]?.name;
    return { state: "failed", message: "draw something or choose a file first", field, requestId: undefined };
  }
  try {
    return { state: "answered", prediction: await sent(model, row, asked) };
  } catch (error) {
    return failure(error, form);
  }
}

function sent(model: string, row: Row, asked: Asked): Promise<Prediction> {
  if (isAttachment(row)) {
    return client.predict(model, row.bytes, asked);
  }
  const values = Object.entries(row).map(([name, value]) => [name, isAttachment(value) ? value.bytes : value] as const);
  return client.predict(model, Object.fromEntries(values), asked);
}

function failure(error: unknown, form: FormModel): Outcome {
  const message = error instanceof Error ? error.message : String(error);
  const requestId = error instanceof PenstockError ? error.requestId : undefined;
  const field = error instanceof InvalidInput ? fieldMeant(error.field, form.fields) : undefined;
  return { state: "failed", message, field, requestId };
}
