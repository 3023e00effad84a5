/**
 * Between the numbers a model was trained on and the 8-bit pixels of an image file: the manifest's decoding, both ways.
 *
 * Pure.
 */

import type { ManifestFeature } from "@penstock/client";

/** A feature of a manifest, with how its images are decoded, which the client needs no type for. */
export type Feature = ManifestFeature & {
  readonly decoding?: { readonly scale?: number; readonly offset?: number };
};

/** 8-bit pixels, row by row; `channels` is 1 or 3. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly values: readonly number[];
}

/** The file's pixels that decode to these nested lists (`pixel * scale + offset`); undefined for anything else. */
export function pixelsOf(value: unknown, feature: Feature): Pixels | undefined {
  const [height, width, channels = 1] = feature.shape ?? [];
  const flat = Array.isArray(value) ? value.flat(2) : [];
  if (!height || !width || (channels !== 1 && channels !== 3) || flat.length !== height * width * channels) {
    return undefined;
  }
  const { scale = 1, offset = 0 } = feature.decoding ?? {};
  const values = flat.map((number) => byte((Number(number) - offset) / scale));
  return { height, width, channels, values };
}

/** Rows of brightness from 0 to 1; undefined for anything but a grey image. */
export function greyGrid(value: unknown, feature: Feature): readonly (readonly number[])[] | undefined {
  const pixels = pixelsOf(value, feature);
  if (pixels?.channels !== 1) {
    return undefined;
  }
  const { width, values } = pixels;
  return Array.from({ length: pixels.height }, (_, row) =>
    values.slice(row * width, (row + 1) * width).map((pixel) => pixel / 255),
  );
}

/** As a canvas wants them: red, green, blue and full opacity for each pixel. */
export function rgba(pixels: Pixels): Uint8ClampedArray<ArrayBuffer> {
  const { channels, values } = pixels;
  const written = new Uint8ClampedArray(pixels.height * pixels.width * 4);
  for (let place = 0; place < pixels.height * pixels.width; place++) {
    for (let colour = 0; colour < 3; colour++) {
      written[place * 4 + colour] = values[place * channels + (channels === 3 ? colour : 0)] ?? 0;
    }
    written[place * 4 + 3] = 255;
  }
  return written;
}

function byte(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
