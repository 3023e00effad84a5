/**
 * The bodies that this client sends and reads, by the gateway's own OpenAPI document: when that changes in a way
 * that matters here, this package no longer compiles.
 */

import type { components, operations } from "./openapi.js";

type Schemas = components["schemas"];

export type PredictRequest = Schemas["PredictRequest"];
export type PredictAnswer = Schemas["PredictAnswer"];
export type ErrorAnswer = Schemas["Error"];
export type ModelsAnswer = Schemas["ModelsAnswer"];
export type StatusAnswer = Schemas["StatusAnswer"];
export type MetadataAnswer = Schemas["MetadataAnswer"];
/** The public part of a version's manifest, as the gateway writes it. */
export type Manifest = NonNullable<MetadataAnswer["metadata"]["manifest"]>;
export type ManifestFeature = Manifest["features"][number];
export type Signature = MetadataAnswer["metadata"]["signature_def"]["signature_def"][string];
export type VersionState = StatusAnswer["model_version_status"][number]["state"];

type PredictHeaders = NonNullable<operations["predict"]["parameters"]["header"]>;
/** Whose requests go first when there is more to do than can be done at once. */
export type Priority = NonNullable<PredictHeaders["X-Priority"]>;

type HeadersOf<Names extends string> = Readonly<Partial<Record<Lowercase<Names>, string>>>;
/** Headers of a request for predictions that the gateway reads, names in lower case. */
export type AskedHeaders = HeadersOf<keyof PredictHeaders>;
export type AnswerHeader = Lowercase<keyof operations["predict"]["responses"][200]["headers"] & string>;
export type ImageType = Extract<keyof operations["predict"]["requestBody"]["content"], `image/${string}`>;
