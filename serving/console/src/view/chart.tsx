/**
 * One chart, drawn by uPlot: lines over the last minutes, the newest value in words, all values under the pointer.
 *
 * The picture is hidden from screen readers; its caption says what it shows.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { tick } from "../core/format.js";
import { KEPT_SECONDS } from "../core/history.js";

export interface Line {
  readonly name: string;
  /** A custom property of the style sheet. */
  readonly colour: "accent" | "second" | "bad";
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly title: string;
  readonly note?: string;
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number | null | undefined) => string;
}

const HEIGHT = 132;
const dark = matchMedia("(prefers-color-scheme: dark)");

export function Chart({ title, note = "", times, lines, format }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const [isDark, setDark] = useState(dark.matches);
  useEffect(() => {
    const changed = () => setDark(dark.matches);
    dark.addEventListener("change", changed);
    return () => dark.removeEventListener("change", changed);
  }, []);
  useEffect(() => {
    const element = place.current;
    if (element === null) {
      return undefined;
    }
    const drawn = new uPlot(optionsOf(element, lines, format, setPointed), [[], ...lines.map(() => [])], element);
    plot.current = drawn;
    const observer = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      drawn.destroy();
    };
  }, [isDark]);
  useEffect(() => {
    plot.current?.setData([[...times], ...lines.map((line) => [...line.values])]);
  }, [times.at(-1), times.length, isDark]);
  const at = pointed !== null && pointed < times.length ? pointed : times.length - 1;
  const ago = (times.at(-1) ?? 0) - (times[at] ?? 0);
  return (
    <figure class="card chart">
      <figcaption>
        <span class="what">{title}</span>
        <span class="quiet note">{ago >= 1 ? agoWords(ago) : note}</span>
        <span class="values">
          {lines.map((line) => (
            <span key={line.name} class="value">
              {lines.length > 1 && (
                <span class="key">
                  <span class={`swatch ${line.colour}`} aria-hidden="true" />
                  {line.name}
                </span>
              )}
              <span class="number strong">{format(line.values[at])}</span>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} class="plot" aria-hidden="true" />
    </figure>
  );
}

function agoWords(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  return `${minutes > 0 ? `${minutes} min ` : ""}${rest} s ago`;
}

function optionsOf(
  element: HTMLElement,
  lines: readonly Line[],
  format: ChartProps["format"],
  point: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour("muted"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
    font: `11px ${style.fontFamily}`,
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: "figures" }, points: { size: 7 } },
    scales: {
      x: { time: false, range: (_, oldest, newest) => [newest - windowOf(oldest, newest), newest] },
      y: { range: (_, __, most) => [0, ceiling(most)] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        splits: (_, __, oldest, newest) => places(oldest, newest),
        values: (_, times) => agoLabels(times),
      },
      { ...axis, size: 54, space: 36, values: (_, places) => places.map((place) => tick(format(place))) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.name,
        stroke: colour(line.colour),
        width: 1.75,
        ...(lines.length === 1 ? { fill: `${colour(line.colour)}1f` } : {}),
        points: { show: false },
      })),
    ],
    hooks: { setCursor: [(drawn) => point(drawn.cursor.idx ?? null)] },
  };
}

/** A round number above, so that the axis moves seldom. */
function ceiling(most: number | null): number {
  if (!most || most <= 0) {
    return 1;
  }
  const step = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((factor) => factor * step).find((round) => round >= most * 1.05) ?? 20 * step;
}

/** As much of the past as there is, in steps; seconds. */
const WINDOWS = [60, 120, KEPT_SECONDS] as const;

function windowOf(oldest: number, newest: number): number {
  return WINDOWS.find((seconds) => newest - oldest < seconds) ?? KEPT_SECONDS;
}

/** Five places or six, the newest at the right. */
function places(oldest: number, newest: number): number[] {
  const shown = newest - oldest;
  const step = shown <= 60 ? 15 : shown <= 120 ? 30 : 60;
  return Array.from({ length: Math.round(shown / step) + 1 }, (_, place) => newest - shown + place * step);
}

function agoLabels(times: readonly number[]): string[] {
  const newest = times.at(-1) ?? 0;
  return times.map((time) => {
    const ago = Math.round(newest - time);
    if (ago === 0) {
      return "now";
    }
    return ago % 60 === 0 && ago > 60 ? `−${ago / 60} min` : `−${ago} s`;
  });
}
