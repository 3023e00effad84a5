/**
 * The border at which a body that lacks what we rely on becomes UnexpectedAnswer.
 *
 * Pure.
 */

import { PenstockError, UnexpectedAnswer } from "./errors.js";

/** What `read` makes of `what`; throws UnexpectedAnswer where it fails. */
export function reading<Result>(what: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof PenstockError) {
      throw error;
    }
    throw new UnexpectedAnswer(`${what} is not as Penstock's gateway writes it (${String(error)}); is the URL right?`, {
      cause: error,
    });
  }
}

/** A whole number that the wire writes as text. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text === "" || !Number.isSafeInteger(value)) {
    throw new TypeError(`"${text}" is no whole number`);
  }
  return value;
}
