/**
 * The form for one version: fields made from its manifest, what was typed as one row, and which field an error means.
 *
 * Pure. Values are not judged here: the gateway knows the rules, and says which field breaks them.
 */

import type { Manifest } from "@penstock/client";
import { type Look, lookOf } from "./drawing.js";
import { type Feature, greyGrid } from "./pixels.js";

export interface Field {
  readonly name: string;
  readonly kind: Feature["kind"];
  readonly unit: string;
  readonly description: string;
  /** Under the field: the range, the default. */
  readonly hint: string;
  readonly vocabulary: readonly string[];
  readonly required: boolean;
  readonly feature: Feature;
  /** How drawings must look; undefined where a drawing makes no sense. */
  readonly look: Look | undefined;
}

export interface FormModel {
  readonly fields: readonly Field[];
  /** Filled-in forms to begin with: a value by field, images as their pixels. */
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

/** Pads for larger pictures would ask for photographs to be drawn. */
const LARGEST_DRAWN_SIDE = 64;

export function formOf(manifest: Pick<Manifest, "features" | "golden_examples">): FormModel {
  const features = manifest.features.filter((feature) => !feature.mask_of);
  const examples = (manifest.golden_examples ?? []).map((golden) => named(golden.instance, features));
  return { fields: features.map((feature) => fieldOf(feature, examples)), examples };
}

/** A bare value is that of the only feature. */
function named(instance: unknown, features: readonly Feature[]): Readonly<Record<string, unknown>> {
  const [sole] = features;
  const isRecord = typeof instance === "object" && instance !== null && !Array.isArray(instance);
  if (isRecord && (features.length > 1 || (sole !== undefined && sole.name in instance))) {
    return instance as Readonly<Record<string, unknown>>;
  }
  return sole === undefined ? {} : { [sole.name]: instance };
}

function fieldOf(feature: Feature, examples: FormModel["examples"]): Field {
  return {
    name: feature.name,
    kind: feature.kind,
    unit: feature.unit ?? "",
    description: feature.description ?? "",
    hint: hintOf(feature),
    vocabulary: feature.vocabulary ?? [],
    required: !feature.optional && (feature.default === null || feature.default === undefined),
    feature,
    look: drawable(feature)
      ? lookOf(
          feature.shape ?? [],
          examples.map((example) => greyGrid(example[feature.name], feature)),
        )
      : undefined,
  };
}

function drawable(feature: Feature): boolean {
  const [height, width, channels = 1] = feature.shape ?? [];
  const sides = [height, width].every((side) => typeof side === "number" && side <= LARGEST_DRAWN_SIDE);
  return feature.kind === "image" && sides && channels === 1;
}

function hintOf(feature: Feature): string {
  const parts: string[] = [];
  if (feature.kind === "number" && feature.range) {
    parts.push(`${feature.range[0]} to ${feature.range[1]}`);
  }
  if (feature.kind === "image") {
    const [height, width, channels = 1] = feature.shape ?? [];
    parts.push(`any size, read as ${width} × ${height} ${channels === 3 ? "RGB" : "grey"}`);
  }
  if (feature.kind === "tensor") {
    parts.push(`${feature.dtype}, shape [${(feature.shape ?? []).map((side) => side ?? "any").join(", ")}], as JSON`);
  }
  if (feature.default !== null && feature.default !== undefined) {
    parts.push(`${JSON.stringify(feature.default)} when left empty`);
  }
  if (feature.optional) {
    parts.push("may be left empty");
  }
  return parts.join("; ");
}

/** What a text field shows for a value. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) {
    return "";
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What is sent for what was typed; undefined for nothing. What is no number stays as it is: the gateway says so. */
export function typed(field: Field, text: string): unknown {
  if (field.kind === "text" || field.kind === "category") {
    return text === "" && !field.required ? undefined : text;
  }
  const trimmed = text.trim();
  if (trimmed === "") {
    return undefined;
  }
  if (field.kind === "tensor") {
    return parsed(trimmed);
  }
  return Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * The field that a JSON pointer of the gateway's means (`/instances/0/bmi`, `/image/0`, `/instances/0`); undefined when
 * it means none. A model of one feature has nothing else that could be wrong.
 */
export function fieldMeant(pointer: string | undefined, fields: readonly Field[]): string | undefined {
  const parts = (pointer ?? "").split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const found = fields.find((field) => parts.includes(field.name));
  return found?.name ?? (fields.length === 1 ? fields[0]?.name : undefined);
}
