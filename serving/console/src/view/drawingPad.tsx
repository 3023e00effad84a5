/**
 * A pad to draw on with a finger, a pen or a mouse. Tells of strokes; what becomes of them is decided elsewhere.
 */

import { useEffect, useRef } from "preact/hooks";
import type { Look, Point, Stroke } from "../core/drawing.js";

interface DrawingPadProps {
  readonly look: Look;
  readonly strokes: readonly Stroke[];
  /** Called at the end of each stroke, with all of them. */
  readonly onStrokes: (strokes: readonly Stroke[]) => void;
}

/** Of the canvas's own pixels, which the style sheet scales. */
const SIDE = 448;

export function DrawingPad({ look, strokes, onStrokes }: DrawingPadProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const current = useRef<Point[]>(null);
  const [width, height] =
    look.width > look.height ? [SIDE, (SIDE * look.height) / look.width] : [(SIDE * look.width) / look.height, SIDE];
  useEffect(() => {
    if (canvas.current) {
      paint(canvas.current, strokes, look);
    }
  }, [strokes, look]);
  const begin = (event: PointerEvent): void => {
    if (event.button !== 0 || !canvas.current) {
      return;
    }
    event.preventDefault();
    canvas.current.setPointerCapture(event.pointerId);
    current.current = [pointOf(event, canvas.current)];
    paint(canvas.current, [...strokes, current.current], look);
  };
  const go = (event: PointerEvent): void => {
    if (!current.current || !canvas.current) {
      return;
    }
    current.current.push(pointOf(event, canvas.current));
    paint(canvas.current, [...strokes, current.current], look);
  };
  const end = (): void => {
    const stroke = current.current;
    current.current = null;
    if (stroke) {
      onStrokes([...strokes, stroke]);
    }
  };
  return (
    <div class="pad">
      <canvas
        ref={canvas}
        width={width}
        height={height}
        role="img"
        aria-label="Drawing pad; a file or an example does the same without a pointer"
        class={look.darkOnLight ? "light" : "dark"}
        onPointerDown={begin}
        onPointerMove={go}
        onPointerUp={end}
        onPointerCancel={end}
      />
      {strokes.length === 0 && (
        <span class="invitation" aria-hidden="true">
          Draw here
        </span>
      )}
    </div>
  );
}

function pointOf(event: PointerEvent, canvas: HTMLCanvasElement): Point {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const longer = Math.max(width, height);
  return [(event.clientX - left) / longer, (event.clientY - top) / longer];
}

/** As thick as the ink will be once it is fitted, if the drawing is as large as people draw. */
function paint(canvas: HTMLCanvasElement, strokes: readonly Stroke[], look: Look): void {
  const context = canvas.getContext("2d");
  if (context === null) {
    return;
  }
  const longer = Math.max(canvas.width, canvas.height);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.lineWidth = Math.max(8, (0.7 * longer * look.penWidth) / look.inkHeight);
  context.lineCap = "round";
  context.lineJoin = "round";
  context.strokeStyle = look.darkOnLight ? "#10181c" : "#ffffff";
  for (const stroke of strokes) {
    context.beginPath();
    stroke.forEach(([x, y], place) => {
      context.lineTo(x * longer, y * longer);
      if (place === 0) {
        context.lineTo(x * longer, y * longer);
      }
    });
    context.stroke();
  }
}
