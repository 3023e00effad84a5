/**
 * A training report as a frame of this page can show it: its text without its styles, and the styles, which the page's
 * policy lets in only where they are made by script.
 */

export interface ReportPage {
  readonly html: string;
  readonly styles: readonly string[];
}

export function reportPage(page: Document): ReportPage {
  const found = [...page.querySelectorAll("style")];
  const styles = found.map((style) => style.textContent ?? "");
  for (const element of [...found, ...page.querySelectorAll("script, link, base, meta[http-equiv]")]) {
    element.remove();
  }
  return { html: `<!doctype html>${page.documentElement.outerHTML}`, styles };
}
