/**
 * What the gateway says of a version: its features, outputs and labels; and the states of a model's versions.
 *
 * Pure: reads the bodies of `/metadata`, of the status call and of the list of models.
 */

import { wholeNumber } from "./reading.js";
import type {
  Manifest,
  ManifestFeature,
  MetadataAnswer,
  ModelsAnswer,
  Signature,
  StatusAnswer,
  VersionState,
} from "./wire.js";

/** One thing a row must say. */
export interface Feature {
  readonly kind: ManifestFeature["kind"];
  readonly name: string;
  readonly dtype: string;
  /** Of one row's value: `[]` for a single number or string, null for any size. */
  readonly shape: readonly (number | null)[];
  readonly unit: string;
  readonly description: string;
}

/**
 * One version of a model. A classifier has `labels`, a regressor `target` and `unit`; `task` is undefined for a model
 * without a manifest, whose features are then its signature's inputs, of kind `tensor`.
 */
export interface ModelMetadata {
  readonly model: string;
  readonly version: number;
  readonly features: readonly Feature[];
  readonly outputNames: readonly string[];
  readonly task: "classification" | "regression" | undefined;
  readonly labels: readonly string[];
  readonly target: string | undefined;
  readonly unit: string | undefined;
  readonly description: string;
  /** The public part of the manifest as the gateway sent it: ranges, vocabularies, golden examples. */
  readonly manifest: Manifest | undefined;
}

export interface VersionStatus {
  readonly version: number;
  readonly state: VersionState;
  /** Why, when something is wrong; else empty. */
  readonly message: string;
}

export function readMetadata(answer: MetadataAnswer): ModelMetadata {
  const { model_spec: spec, metadata } = answer;
  const named = { model: spec.name, version: wholeNumber(spec.version) };
  return metadata.manifest ? fromManifest(named, metadata.manifest) : fromSignature(named, metadata);
}

export function readStatus(answer: StatusAnswer): readonly VersionStatus[] {
  return answer.model_version_status.map(({ version, state, status }) => ({
    version: wholeNumber(version),
    state,
    message: status?.error_message ?? "",
  }));
}

export function readModels(answer: ModelsAnswer): readonly string[] {
  return answer.models.map((model) => model.name);
}

interface Named {
  readonly model: string;
  readonly version: number;
}

function fromManifest(named: Named, manifest: Manifest): ModelMetadata {
  const { outputs } = manifest;
  const signature = manifest.signatures["serving_default"];
  if (signature === undefined) {
    throw new TypeError("the manifest has no signature serving_default");
  }
  return {
    ...named,
    // a mask is made by the gateway, not sent
    features: manifest.features.filter((feature) => !feature.mask_of).map(featureOf),
    outputNames: signature.outputs.map((output) => output.name),
    task: outputs.task,
    labels: outputs.labels ?? [],
    target: outputs.target,
    unit: outputs.unit,
    description: manifest.description ?? "",
    manifest,
  };
}

function featureOf(feature: ManifestFeature): Feature {
  return {
    kind: feature.kind,
    name: feature.name,
    dtype: feature.dtype,
    shape: feature.shape ?? [],
    unit: feature.unit ?? "",
    description: feature.description ?? "",
  };
}

/** TensorFlow Serving's own form, in which the key is doubled and sizes are strings, -1 for any. */
function fromSignature(named: Named, metadata: MetadataAnswer["metadata"]): ModelMetadata {
  const signature = metadata.signature_def.signature_def["serving_default"];
  if (signature === undefined) {
    throw new TypeError("the model has no signature serving_default");
  }
  return {
    ...named,
    features: Object.entries(signature.inputs).map(([name, tensor]) => ({
      kind: "tensor",
      name,
      dtype: tensor.dtype,
      shape: rowShape(tensor),
      unit: "",
      description: "",
    })),
    outputNames: Object.keys(signature.outputs),
    task: undefined,
    labels: [],
    target: undefined,
    unit: undefined,
    description: "",
    manifest: undefined,
  };
}

function rowShape(tensor: Signature["inputs"][string]): readonly (number | null)[] {
  const sizes = (tensor.tensor_shape.dim ?? []).map((dimension) => wholeNumber(dimension.size));
  return sizes.slice(1).map((size) => (size < 0 ? null : size));
}
