/**
 * A training report over the page, for gateways that ask who this is: a frame that runs nothing.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import type { ReportPage } from "../core/reportPage.js";
import { askReport } from "../gateway.js";

interface ReportProps {
  readonly model: string;
  readonly version: number;
  readonly onClose: () => void;
}

export function Report({ model, version, onClose }: ReportProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [page, setPage] = useState<ReportPage>();
  const [problem, setProblem] = useState("");
  useEffect(() => {
    dialog.current?.showModal();
    askReport(model, version).then(setPage, (error: Error) =>
      setProblem(error.message || "The gateway asks for a key."),
    );
  }, [model, version]);
  const title = `Training report of ${model}, version ${version}`;
  return (
    <dialog ref={dialog} class="report-over" aria-label={title} onClose={onClose}>
      <button type="button" onClick={() => dialog.current?.close()}>
        Close the report
      </button>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {page && (
        // its own origin only so that the page can hand it its styles; without allow-scripts it runs nothing
        <iframe title={title} sandbox="allow-same-origin" srcdoc={page.html} onLoad={(event) => dress(event, page)} />
      )}
    </dialog>
  );
}

/** Sheets made by script are let in by the policy that the frame has from the page; its own text's are not. */
function dress(event: Event, page: ReportPage): void {
  const frame = (event.currentTarget as HTMLIFrameElement).contentWindow as (Window & typeof globalThis) | null;
  if (frame === null) {
    return;
  }
  frame.document.adoptedStyleSheets = page.styles.map((text) => {
    const sheet = new frame.CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
}
