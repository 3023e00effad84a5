/**
 * Asks for a key or a token, once, where the gateway asks who this is.
 */

import { useRef, useState } from "preact/hooks";
import { credentialOf } from "../core/credential.js";
import { show } from "../gateway.js";

interface CredentialFormProps {
  /** Why what was shown did not do; empty before anything was. */
  readonly refusal: string;
  readonly onShown: () => void;
}

export function CredentialForm({ refusal, onShown }: CredentialFormProps) {
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState(refusal);
  const submit = (event: Event): void => {
    event.preventDefault();
    const typed = credentialOf(input.current?.value ?? "");
    if (typed === undefined) {
      setProblem("That is no key and no token: it is empty, or has characters that none has.");
      input.current?.focus();
      return;
    }
    show(typed);
    onShown();
  };
  return (
    <section class="card credential" aria-labelledby="who">
      <h2 id="who">Who are you?</h2>
      <p id="why">
        This gateway asks for an API key or a token. It is kept in this tab alone, until it is closed or you forget it.
      </p>
      <form onSubmit={submit} noValidate>
        <label for="credential">API key or token</label>
        <input
          ref={input}
          id="credential"
          type="password"
          autocomplete="off"
          spellcheck={false}
          aria-describedby={problem ? "why problem" : "why"}
          aria-invalid={problem ? "true" : undefined}
        />
        <button type="submit" class="primary">
          Show it
        </button>
        {problem && (
          <p id="problem" class="problem" role="alert">
            {problem}
          </p>
        )}
      </form>
    </section>
  );
}
