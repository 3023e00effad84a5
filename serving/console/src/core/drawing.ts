/**
 * A drawing as the model's training images look: strokes fitted to where their ink lies, with a pen as thick as theirs.
 *
 * Pure: strokes in, 8-bit pixels out. Handwritten data sets were centred, scaled and smoothed in ways of their own
 * (scikit-learn's digits fill their 8 x 8 cells, MNIST's lie in 20 x 20 of 28 x 28), so the look is measured on the
 * version's golden examples.
 */

import type { Pixels } from "./pixels.js";

/** Across, down; the pad's sides are 1. */
export type Point = readonly [number, number];
export type Stroke = readonly Point[];
type Grid = readonly (readonly number[])[];

/** Lengths in pixels of the model's images. */
export interface Look {
  readonly height: number;
  readonly width: number;
  /** The room that ink may take, and its middle. */
  readonly inkHeight: number;
  readonly inkWidth: number;
  readonly middle: Point;
  readonly penWidth: number;
  readonly darkOnLight: boolean;
}

/** Below this a pixel is paper. */
const INK = 0.2;
/** Points on a side of a pixel that are asked whether ink covers them: 16 in all, the levels of scikit-learn's digits. */
const SAMPLES = 4;
/** A dot is not blown up to fill the picture. */
const MOST_MAGNIFIED = 3;

/** Measured on grids of brightness; without any, ink is light and fills four fifths. */
export function lookOf(shape: readonly (number | null)[], grids: readonly (Grid | undefined)[]): Look {
  const [height, width] = [shape[0] ?? 1, shape[1] ?? 1];
  const known = grids.filter((grid) => grid !== undefined);
  const darkOnLight = known.length > 0 && mean(known.map(border)) > 0.5;
  const inks = known.map((grid) => (darkOnLight ? inverted(grid) : grid));
  const boxes = inks.map(boxOf).filter((box) => box !== undefined);
  if (boxes.length === 0) {
    const middle: Point = [width / 2, height / 2];
    return {
      height,
      width,
      inkHeight: height * 0.8,
      inkWidth: width * 0.8,
      middle,
      penWidth: Math.max(1, width / 10),
      darkOnLight,
    };
  }
  return {
    height,
    width,
    inkHeight: mean(boxes.map((box) => box.bottom - box.top)),
    inkWidth: Math.max(...boxes.map((box) => box.right - box.left)),
    middle: [
      mean(boxes.map((box) => (box.left + box.right) / 2)),
      mean(boxes.map((box) => (box.top + box.bottom) / 2)),
    ],
    penWidth: Math.max(1, ...inks.map(strokeWidth)), // a line too thin reads worse than one too thick
    darkOnLight,
  };
}

/** Paper alone where nothing was drawn. */
export function drawn(strokes: readonly Stroke[], look: Look): Pixels {
  const segments = fitted(strokes, look).flatMap(segmentsOf);
  const values: number[] = [];
  for (let row = 0; row < look.height; row++) {
    for (let column = 0; column < look.width; column++) {
      const ink = Math.round(255 * coverage(column, row, segments, look.penWidth / 2));
      values.push(look.darkOnLight ? 255 - ink : ink);
    }
  }
  return { height: look.height, width: look.width, channels: 1, values };
}

interface Box {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** The strokes' middle lines in pixels, so that with the pen's thickness they fill the ink's room. */
function fitted(strokes: readonly Stroke[], look: Look): readonly Stroke[] {
  const points = strokes.flat();
  if (points.length === 0) {
    return [];
  }
  const [across, down] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...across), Math.max(...across), Math.min(...down), Math.max(...down)];
  const room = (ink: number): number => Math.max(ink - look.penWidth, 1);
  const scale = Math.min(
    room(look.inkWidth) / Math.max(right - left, 1e-6),
    room(look.inkHeight) / Math.max(bottom - top, 1e-6),
    MOST_MAGNIFIED * Math.max(look.width, look.height),
  );
  const place = ([x, y]: Point): Point => [
    look.middle[0] + (x - (left + right) / 2) * scale,
    look.middle[1] + (y - (top + bottom) / 2) * scale,
  ];
  return strokes.map((stroke) => stroke.map(place));
}

type Segment = readonly [Point, Point];

/** A dot is a segment without length. */
function segmentsOf(stroke: Stroke): readonly Segment[] {
  const [first] = stroke;
  if (first === undefined) {
    return [];
  }
  return stroke.length === 1
    ? [[first, first]]
    : stroke.slice(1).map((point, place) => [stroke[place] ?? point, point]);
}

function coverage(column: number, row: number, segments: readonly Segment[], radius: number): number {
  const near = segments.filter((segment) => distance([column + 0.5, row + 0.5], segment) < radius + 1);
  let covered = 0;
  for (let place = 0; place < SAMPLES * SAMPLES && near.length > 0; place++) {
    const point: Point = [
      column + ((place % SAMPLES) + 0.5) / SAMPLES,
      row + (Math.floor(place / SAMPLES) + 0.5) / SAMPLES,
    ];
    covered += near.some((segment) => distance(point, segment) <= radius) ? 1 : 0;
  }
  return covered / (SAMPLES * SAMPLES);
}

function distance([x, y]: Point, [[fromX, fromY], [toX, toY]]: Segment): number {
  const [alongX, alongY] = [toX - fromX, toY - fromY];
  const length = alongX * alongX + alongY * alongY;
  const part = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - fromX) * alongX + (y - fromY) * alongY) / length));
  return Math.hypot(x - fromX - part * alongX, y - fromY - part * alongY);
}

function boxOf(grid: Grid): Box | undefined {
  const rows = grid.flatMap((row, place) => (row.some((ink) => ink > INK) ? [place] : []));
  const columns = grid.flatMap((row) => row.flatMap((ink, place) => (ink > INK ? [place] : [])));
  if (rows.length === 0) {
    return undefined;
  }
  return {
    top: Math.min(...rows),
    bottom: Math.max(...rows) + 1,
    left: Math.min(...columns),
    right: Math.max(...columns) + 1,
  };
}

/** Twice the area over the outline, which for a long line is its thickness; the outline is the brightness's variation. */
function strokeWidth(grid: Grid): number {
  const at = (row: number, column: number): number => grid[row]?.[column] ?? 0;
  let [area, outline] = [0, 0];
  for (let row = -1; row < grid.length; row++) {
    for (let column = -1; column < (grid[0]?.length ?? 0); column++) {
      area += at(row, column);
      outline += Math.hypot(at(row + 1, column) - at(row, column), at(row, column + 1) - at(row, column));
    }
  }
  return outline === 0 ? 1 : (2 * area) / outline;
}

function border(grid: Grid): number {
  const last = grid.length - 1;
  return mean(grid.flatMap((row, place) => (place === 0 || place === last ? row : [row[0] ?? 0, row.at(-1) ?? 0])));
}

function inverted(grid: Grid): Grid {
  return grid.map((row) => row.map((value) => 1 - value));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
