/**
 * The one way out: the public API through the client, the figures and the reports beside it. Always the page's origin,
 * with the key or token that somebody gave, which is kept for as long as the tab is open.
 */

import { Client } from "@penstock/client";
import { type Credential, credentialOf, headersOf, refusalOf } from "./core/credential.js";
import type { Figures } from "./core/figures.js";
import { type ReportPage, reportPage } from "./core/reportPage.js";

export const ORIGIN = location.origin;

const PLACE = "penstock.credential";
const FIGURES_TIMEOUT_MILLISECONDS = 5000;

/** The gateway asks who this is: `message` says why what it was shown, if anything, did not do. */
export class Refused extends Error {}

let credential = credentialOf(sessionStorage.getItem(PLACE) ?? "");

/** A person looks on: what fails is shown at once, and tried again by hand. */
export let client = clientWith(credential);

function clientWith(shown: Credential | undefined): Client {
  return new Client(ORIGIN, { retries: 0, ...(shown && { [shown.kind]: shown.secret }) });
}

export function hasCredential(): boolean {
  return credential !== undefined;
}

/** From now on it goes with every request; undefined forgets it. */
export function show(shown: Credential | undefined): void {
  credential = shown;
  client = clientWith(shown);
  if (shown === undefined) {
    sessionStorage.removeItem(PLACE);
  } else {
    sessionStorage.setItem(PLACE, shown.secret);
  }
}

/** Throws Refused, or whatever else when nobody answers in time or what answers is no gateway with a console. */
export async function askFigures(): Promise<Figures> {
  return (await (await asked("/console/figures")).json()) as Figures;
}

/** The report, which a link cannot fetch where the gateway asks who this is. Throws as `askFigures`. */
export async function askReport(model: string, version: number): Promise<ReportPage> {
  return reportPage(await (await asked(reportAddress(model, version))).text());
}

async function asked(path: string): Promise<Response> {
  const signal = AbortSignal.timeout(FIGURES_TIMEOUT_MILLISECONDS);
  const answer = await fetch(path, { signal, cache: "no-store", headers: headersOf(credential) });
  const refusal = refusalOf(answer.status, credential !== undefined);
  if (refusal !== undefined) {
    throw new Refused(refusal);
  }
  if (!answer.ok) {
    throw new Error(`${path}: status ${answer.status}`);
  }
  return answer;
}

export function reportAddress(model: string, version: number): string {
  return `/console/reports/${encodeURIComponent(model)}/${version}/`;
}
