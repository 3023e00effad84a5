/**
 * What a version takes and answers, asked whenever `answering` changes.
 */

import type { ModelMetadata, VersionOptions } from "@penstock/client";
import { useEffect, useState } from "preact/hooks";
import { client } from "../gateway.js";

export interface Described {
  readonly metadata: ModelMetadata | undefined;
  /** Why there is none. */
  readonly problem: string | undefined;
}

const UNKNOWN: Described = { metadata: undefined, problem: undefined };

/** Nothing is asked while `answering` is undefined. */
export function useMetadata(model: string, address: VersionOptions, answering: string | undefined): Described {
  const [described, setDescribed] = useState<Described>(UNKNOWN);
  const { version, label } = address;
  useEffect(() => {
    if (answering === undefined) {
      return undefined;
    }
    const leaving = new AbortController();
    client.metadata(model, { version, label, signal: leaving.signal }).then(
      (metadata) => setDescribed({ metadata, problem: undefined }),
      (error: unknown) => {
        if (!leaving.signal.aborted) {
          setDescribed(({ metadata }) => ({
            metadata,
            problem: error instanceof Error ? error.message : String(error),
          }));
        }
      },
    );
    return () => leaving.abort();
  }, [model, version, label, answering]);
  return described;
}
