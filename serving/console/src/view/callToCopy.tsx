/**
 * The call that the form would make, in three languages, to copy.
 */

import { useId, useRef, useState } from "preact/hooks";
import { type Row, type Snippets, snippetsOf } from "../core/snippets.js";
import { ORIGIN } from "../gateway.js";
import type { Asked } from "./tryIt.js";

const LANGUAGES: readonly (readonly [keyof Snippets, string])[] = [
  ["curl", "curl"],
  ["python", "Python"],
  ["typescript", "TypeScript"],
];

interface CallToCopyProps {
  readonly model: string;
  readonly asked: Asked;
  /** undefined while there is nothing to send. */
  readonly row: Row | undefined;
}

export function CallToCopy({ model, asked, row }: CallToCopyProps) {
  const [language, setLanguage] = useState<keyof Snippets>("curl");
  const [copied, setCopied] = useState(false);
  const id = useId();
  const code = useRef<HTMLElement>(null);
  if (row === undefined) {
    return null;
  }
  const text = snippetsOf({ origin: ORIGIN, model, ...asked, row })[language];
  const choose = (next: keyof Snippets): void => {
    setLanguage(next);
    setCopied(false);
  };
  const step = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const place = LANGUAGES.findIndex(([name]) => name === language);
    const next = by === undefined ? undefined : LANGUAGES.at((place + by) % LANGUAGES.length)?.[0];
    if (next !== undefined) {
      choose(next);
      document.getElementById(`${id}-${next}`)?.focus();
    }
  };
  return (
    <div class="card copy">
      <div class="bar">
        <div role="tablist" aria-label="The same call in" class="tabs" onKeyDown={step}>
          {LANGUAGES.map(([name, words]) => (
            <button
              key={name}
              id={`${id}-${name}`}
              type="button"
              role="tab"
              aria-selected={name === language}
              aria-controls={`${id}-code`}
              tabIndex={name === language ? 0 : -1}
              onClick={() => choose(name)}
            >
              {words}
            </button>
          ))}
        </div>
        <button type="button" class="quietly" onClick={() => void copy(text, code.current).then(setCopied)}>
          {copied ? "Copied" : "Copy"}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <pre id={`${id}-code`} class="code" role="tabpanel" aria-labelledby={`${id}-${language}`} tabIndex={0}>
        <code ref={code}>{text}</code>
      </pre>
    </div>
  );
}

/** Over plain HTTP from another machine browsers give no clipboard: then the text is selected, for Ctrl-C. */
async function copy(text: string, element: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (element !== null) {
      getSelection()?.selectAllChildren(element);
    }
    return false;
  }
}
