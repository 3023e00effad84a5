/**
 * The error tree of the client: the gateway's own names, so that one word means one thing on both sides.
 * Nothing here knows HTTP; `errorAnswers.ts` has the table from answers to these classes.
 *
 * ```
 * PenstockError
 * ├── InvalidInput                 the caller can mend it; `field` names the place (RFC 6901)
 * │   ├── UnknownField             a feature the model does not have
 * │   ├── MissingField             a feature without a value and without a default
 * │   ├── WrongShape               right values, wrong nesting or length
 * │   ├── WrongDtype               a string where a number belongs, and the like
 * │   ├── OutOfRange               NaN, infinity, overflow, or outside the feature's declared range
 * │   ├── UndecodableImage         bytes that are not an image the gateway reads
 * │   ├── PayloadTooLarge          over the gateway's limit on bytes or rows
 * │   ├── UnsupportedMediaType     a Content-Type that the gateway does not read
 * │   └── UnreadableFile           a Blob or File that cannot be read on this side; the gateway was not asked
 * ├── UnknownModel
 * ├── UnknownVersion               the model exists, that version or label of it does not
 * ├── ModelNotReady                it exists and is not available yet, or any more
 * ├── Overloaded                   no room; `retryAfterSeconds` says when there should be
 * ├── DeadlineExceeded             no answer within `timeoutSeconds`, told by the gateway or by this side's clock
 * ├── QuotaExceeded                the caller's own allowance is used up; `retryAfterSeconds`
 * ├── Unauthenticated
 * ├── Forbidden
 * ├── BackendError                 the model server behind the gateway failed
 * │   ├── BackendUnavailable       nobody answers there; the same call may succeed later
 * │   ├── BackendOverloaded        it has no room for this call now
 * │   └── BackendRejected          it answered that this call cannot be done
 * ├── IntegrityError               a file of the model is not what its manifest says
 * ├── InternalError                nobody foresaw it; the gateway's log has it under the request id
 * ├── ConnectionFailed             the gateway itself cannot be reached
 * └── UnexpectedAnswer             something answered, and not as Penstock's gateway does
 * ```
 *
 * Names are written out, for minifiers change those of classes.
 */

export interface ErrorDetails {
  readonly field?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Root of the tree: `error instanceof PenstockError` knows whatever a call can fail with, wrong use (TypeError,
 * RangeError) and an aborted signal's own reason aside.
 */
export class PenstockError extends Error {
  override readonly name: string = "PenstockError";
  /** A JSON pointer into the request, such as `/instances/0/age`. */
  readonly field: string | undefined;
  /** What the gateway's logs call the request. */
  readonly requestId: string | undefined;
  /** How long to wait. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.field = details.field;
    this.requestId = details.requestId;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

export class InvalidInput extends PenstockError {
  override readonly name: string = "InvalidInput";
}

export class UnknownField extends InvalidInput {
  override readonly name = "UnknownField";
}

export class MissingField extends InvalidInput {
  override readonly name = "MissingField";
}

export class WrongShape extends InvalidInput {
  override readonly name = "WrongShape";
}

export class WrongDtype extends InvalidInput {
  override readonly name = "WrongDtype";
}

export class OutOfRange extends InvalidInput {
  override readonly name = "OutOfRange";
}

export class UndecodableImage extends InvalidInput {
  override readonly name = "UndecodableImage";
}

export class PayloadTooLarge extends InvalidInput {
  override readonly name = "PayloadTooLarge";
}

export class UnsupportedMediaType extends InvalidInput {
  override readonly name = "UnsupportedMediaType";
}

export class UnreadableFile extends InvalidInput {
  override readonly name = "UnreadableFile";
}

export class UnknownModel extends PenstockError {
  override readonly name = "UnknownModel";
}

export class UnknownVersion extends PenstockError {
  override readonly name = "UnknownVersion";
}

export class ModelNotReady extends PenstockError {
  override readonly name = "ModelNotReady";
}

export class Overloaded extends PenstockError {
  override readonly name = "Overloaded";
}

export class DeadlineExceeded extends PenstockError {
  override readonly name = "DeadlineExceeded";
}

export class QuotaExceeded extends PenstockError {
  override readonly name = "QuotaExceeded";
}

export class Unauthenticated extends PenstockError {
  override readonly name = "Unauthenticated";
}

export class Forbidden extends PenstockError {
  override readonly name = "Forbidden";
}

export class BackendError extends PenstockError {
  override readonly name: string = "BackendError";
}

export class BackendUnavailable extends BackendError {
  override readonly name = "BackendUnavailable";
}

export class BackendOverloaded extends BackendError {
  override readonly name = "BackendOverloaded";
}

export class BackendRejected extends BackendError {
  override readonly name = "BackendRejected";
}

export class IntegrityError extends PenstockError {
  override readonly name = "IntegrityError";
}

export class InternalError extends PenstockError {
  override readonly name = "InternalError";
}

export class ConnectionFailed extends PenstockError {
  override readonly name = "ConnectionFailed";
}

export class UnexpectedAnswer extends PenstockError {
  override readonly name = "UnexpectedAnswer";
}
