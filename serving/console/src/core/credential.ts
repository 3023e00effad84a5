/**
 * What a person may show a gateway that asks: an API key or a bearer token, and the headers that carry it.
 */

export interface Credential {
  readonly kind: "apiKey" | "token";
  readonly secret: string;
}

/** Three parts of base64url with dots between them (RFC 7519): what keys never look like. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const PRINTABLE = /^[\x21-\x7e]+$/;

/** What somebody typed or pasted; undefined for what no header can carry. */
export function credentialOf(typed: string): Credential | undefined {
  const secret = typed.trim().replace(/^bearer\s+/i, "");
  return PRINTABLE.test(secret) ? { kind: TOKEN.test(secret) ? "token" : "apiKey", secret } : undefined;
}

export function headersOf(credential: Credential | undefined): Record<string, string> {
  if (credential === undefined) {
    return {};
  }
  const { kind, secret } = credential;
  return kind === "token" ? { authorization: `Bearer ${secret}` } : { "x-api-key": secret };
}

/** Why a gateway did not let it in, by the answer's status; undefined for other answers. */
export function refusalOf(status: number, shown: boolean): string | undefined {
  if (status === 401) {
    return shown ? "The gateway does not take this key or token, or takes it no longer." : "";
  }
  return status === 403 ? "This key or token is good, but not for reading what is served here." : undefined;
}
