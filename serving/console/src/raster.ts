/**
 * Pixels to PNG files, by the browser's own canvas.
 */

import { type Pixels, rgba } from "./core/pixels.js";
import type { Attachment } from "./core/snippets.js";

/** Throws where the browser has no memory left for a canvas. */
export async function pngOf(pixels: Pixels, name: string): Promise<Attachment> {
  const canvas = document.createElement("canvas");
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d")?.putImageData(new ImageData(rgba(pixels), pixels.width, pixels.height), 0, 0);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (blob === null) {
    throw new Error("the browser could not write a PNG");
  }
  return { name, type: "image/png", bytes: new Uint8Array(await blob.arrayBuffer()) };
}

export async function attachmentOf(file: File): Promise<Attachment> {
  return { name: file.name, type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) };
}
