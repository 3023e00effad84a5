/**
 * A field for an image: a file dropped or chosen, an example, or, for small grey images, a drawing.
 */

import { useEffect, useMemo, useState } from "preact/hooks";
import { drawn, type Stroke } from "../core/drawing.js";
import { pixelsOf } from "../core/pixels.js";
import { isAttachment } from "../core/snippets.js";
import { attachmentOf, pngOf } from "../raster.js";
import { DrawingPad } from "./drawingPad.js";
import { type Bound, type FormFieldProps, Hint } from "./formField.js";

export function ImageField({ field, examples, content, onContent, bound }: FormFieldProps & { readonly bound: Bound }) {
  const [strokes, setStrokes] = useState<readonly Stroke[]>([]);
  const [over, setOver] = useState(false);
  const { look } = field;
  const draw = async (next: readonly Stroke[]): Promise<void> => {
    setStrokes(next);
    if (look !== undefined && next.length > 0) {
      onContent(await pngOf(drawn(next, look), "drawing.png"), true);
    }
  };
  const take = async (file: File | undefined): Promise<void> => {
    if (file !== undefined) {
      setStrokes([]);
      onContent(await attachmentOf(file), true);
    }
  };
  const clear = (): void => {
    setStrokes([]);
    onContent(undefined, false);
  };
  const samples = examples
    .map((example) => pixelsOf(example[field.name], field.feature))
    .filter((one) => one !== undefined);
  const show = async (place: number): Promise<void> => {
    const pixels = samples[place];
    if (pixels !== undefined) {
      setStrokes([]);
      onContent(await pngOf(pixels, `example-${place + 1}.png`), true);
    }
  };
  return (
    <fieldset
      class={`drop ${look ? "" : "plain"} ${over ? "over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer?.files[0]);
      }}
    >
      <legend>{field.name}</legend>
      {look && <DrawingPad look={look} strokes={strokes} onStrokes={(next) => void draw(next)} />}
      <div class="picked">
        <Seen content={content} pixelated={look !== undefined} />
        <div class="buttons">
          <label class="file">
            <span class="button">{look ? "Choose a file" : "Choose an image"}</span>
            <span class="unseen"> for {field.name}</span>
            <input
              {...bound}
              type="file"
              class="unseen"
              accept="image/png,image/jpeg,image/webp"
              onChange={(event) => void take(event.currentTarget.files?.[0])}
            />
          </label>
          {look && (
            <button type="button" disabled={content === undefined} onClick={clear}>
              Clear
            </button>
          )}
        </div>
        {samples.length > 0 && (
          <fieldset class="thumbs">
            <legend class="unseen">Examples</legend>
            {samples.map((_, place) => (
              <button key={place} type="button" onClick={() => void show(place)}>
                <Thumb value={examples[place]?.[field.name]} feature={field.feature} name={`Example ${place + 1}`} />
              </button>
            ))}
          </fieldset>
        )}
        <Hint id={bound.id}>
          <span class="about">{field.description}</span>
          <span class="range">
            {look ? `Draw, drop a file, or take an example; ${field.hint}` : `Drop a file here; ${field.hint}`}
          </span>
        </Hint>
      </div>
    </fieldset>
  );
}

/** The very file that is sent. */
function Seen({ content, pixelated }: { readonly content: FormFieldProps["content"]; readonly pixelated: boolean }) {
  const file = isAttachment(content) ? content : undefined;
  const address = useMemo(
    () =>
      file === undefined ? undefined : URL.createObjectURL(new Blob([new Uint8Array(file.bytes)], { type: file.type })),
    [file],
  );
  useEffect(() => () => (address === undefined ? undefined : URL.revokeObjectURL(address)), [address]);
  return (
    <figure class="seen">
      {address === undefined ? (
        <span class="nothing" />
      ) : (
        <img src={address} class={pixelated ? "pixelated" : ""} alt={`What is sent: ${file?.name}`} />
      )}
      <figcaption class="quiet">{file === undefined ? "nothing yet" : "what the model gets"}</figcaption>
    </figure>
  );
}

interface ThumbProps {
  readonly value: unknown;
  readonly feature: FormFieldProps["field"]["feature"];
  readonly name: string;
}

function Thumb({ value, feature, name }: ThumbProps) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const pixels = pixelsOf(value, feature);
    let made: string | undefined;
    let gone = false;
    if (pixels !== undefined) {
      void pngOf(pixels, name).then((file) => {
        if (!gone) {
          made = URL.createObjectURL(new Blob([new Uint8Array(file.bytes)], { type: file.type }));
          setAddress(made);
        }
      });
    }
    return () => {
      gone = true;
      if (made !== undefined) {
        URL.revokeObjectURL(made);
      }
    };
  }, [value, feature, name]);
  return address === undefined ? (
    <span class="unseen">{name}</span>
  ) : (
    <img src={address} alt={name} class="pixelated" />
  );
}
