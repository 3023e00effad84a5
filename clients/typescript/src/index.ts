/**
 * Client of Penstock's prediction gateway for browsers and Node.
 *
 * `Client` is the way in. What stands here is public and stays; everything else may change.
 */

export { Client, type FileInput, type InputRecord, type OneInput } from "./client.js";
export {
  BackendError,
  BackendOverloaded,
  BackendRejected,
  BackendUnavailable,
  ConnectionFailed,
  DeadlineExceeded,
  Forbidden,
  IntegrityError,
  InternalError,
  InvalidInput,
  MissingField,
  ModelNotReady,
  OutOfRange,
  Overloaded,
  PayloadTooLarge,
  PenstockError,
  QuotaExceeded,
  Unauthenticated,
  UndecodableImage,
  UnexpectedAnswer,
  UnknownField,
  UnknownModel,
  UnknownVersion,
  UnreadableFile,
  UnsupportedMediaType,
  WrongDtype,
  WrongShape,
} from "./errors.js";
export type { Feature, ModelMetadata, VersionStatus } from "./metadata.js";
export type { Prediction } from "./prediction.js";
export type { Timing } from "./serverTiming.js";
export type {
  CallOptions,
  ClientSettings,
  PredictManyOptions,
  PredictOptions,
  VersionOptions,
} from "./settings.js";
export type { NumberArray } from "./typedArrays.js";
export type { Manifest, ManifestFeature, Priority, VersionState } from "./wire.js";
