/**
 * Numbers as people read them: few digits, units, always the same width for the same size.
 *
 * Pure. One language: the console's words are English, so its numbers are too.
 */

const DASH = "–";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Three significant digits at most, none lost before the point. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) {
    return DASH;
  }
  const size = Math.abs(value);
  if (size >= 100 || value === 0) {
    return whole.format(value);
  }
  if (size < 0.001) {
    return value.toExponential(1);
  }
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** On an axis: without the zeros that say nothing. */
export function tick(text: string): string {
  return text.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
}

/** A count, shortened from ten thousand on. */
export function count(value: number): string {
  const steps = [
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ] as const;
  for (const [size, letter] of steps) {
    if (value >= size) {
      const scaled = value / (letter === "k" ? 1e3 : size);
      return `${scaled >= 100 ? scaled.toFixed(0) : scaled.toFixed(1)} ${letter}`;
    }
  }
  return whole.format(value);
}

/** Seconds in the unit that suits them. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) {
    return DASH;
  }
  if (seconds !== 0 && seconds < 0.0001) {
    return `${short(seconds * 1e6)} µs`;
  }
  return seconds < 1 ? `${short(seconds * 1000)} ms` : `${short(seconds)} s`;
}

export function percent(part: number): string {
  const value = part * 100;
  if (Number.isNaN(value)) {
    return DASH;
  }
  return `${value === 0 || value === 100 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} %`;
}

/** A predicted value: four significant digits, at least those before the point. */
export function predicted(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) {
    return "not a number";
  }
  const digits = Math.max(0, 3 - Math.floor(Math.log10(Math.max(Math.abs(value), 1e-12))));
  return new Intl.NumberFormat("en", { maximumFractionDigits: Math.min(digits, 12) }).format(value);
}
