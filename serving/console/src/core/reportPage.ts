/**
 * A training report as a frame of this page can show it: its text without its styles, and the styles, which the page's
 * policy lets in only where they are made by script. Whatever else the text has, the frame neither runs nor fetches it.
 */

export interface ReportPage {
  readonly html: string;
  readonly styles: readonly string[];
}

const STYLE = /<style[^>]*>([\s\S]*?)<\/style>/gi;

export function reportPage(text: string): ReportPage {
  return { html: text.replace(STYLE, ""), styles: [...text.matchAll(STYLE)].map(([, style]) => style ?? "") };
}
