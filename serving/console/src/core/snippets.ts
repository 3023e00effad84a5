/**
 * A call of the console as one would write it elsewhere: curl, Python, TypeScript, ready to paste.
 *
 * Pure. Small files stand in the text itself, so that it asks the very same; larger ones by their names.
 */

/** A file among the inputs. */
export interface Attachment {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** A row: one file for a model of one image, else values by feature, files among them. */
export type Row = Attachment | Readonly<Record<string, unknown>>;

export interface Call {
  /** `http://host:port` */
  readonly origin: string;
  readonly model: string;
  readonly version: number | undefined;
  readonly label: string | undefined;
  readonly row: Row;
}

export interface Snippets {
  readonly curl: string;
  readonly python: string;
  readonly typescript: string;
}

/** A terminal takes a line of this many characters without complaint, and so does a reader. */
const INLINE_BYTES = 2000;
/** Characters of a record that still reads well on one line. */
const LINE = 72;

export function snippetsOf(call: Call): Snippets {
  return { curl: curl(call), python: python(call), typescript: typescript(call) };
}

export function isAttachment(value: unknown): value is Attachment {
  return typeof value === "object" && value !== null && (value as Attachment).bytes instanceof Uint8Array;
}

function inline(file: Attachment): boolean {
  return file.bytes.length <= INLINE_BYTES;
}

function filesOf(row: Row): readonly Attachment[] {
  return isAttachment(row) ? [row] : Object.values(row).filter(isAttachment);
}

function curl(call: Call): string {
  const address = call.version === undefined ? "" : `/versions/${call.version}`;
  const labelled = call.label === undefined ? address : `/labels/${encodeURIComponent(call.label)}`;
  const start = `curl ${quoted(`${call.origin}/v1/models/${encodeURIComponent(call.model)}${labelled}:predict`)}`;
  const { row } = call;
  if (filesOf(row).every(inline)) {
    return `${start} \\\n  -d ${quoted(JSON.stringify({ instances: [row] }, encoded))}`;
  }
  if (isAttachment(row)) {
    return `${start} \\\n  -H ${quoted(`content-type: ${row.type}`)} \\\n  --data-binary ${quoted(`@${row.name}`)}`;
  }
  const parts = Object.entries(row).map(([name, value]) => `-F ${quoted(part(name, value))}`);
  return [start, ...parts].join(" \\\n  ");
}

function part(name: string, value: unknown): string {
  if (isAttachment(value)) {
    return `${name}=@${value.name}`;
  }
  return `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`;
}

/** JSON carries bytes as TensorFlow Serving's clients do. */
function encoded(_: string, value: unknown): unknown {
  return isAttachment(value) ? { b64: base64(value.bytes) } : value;
}

function python(call: Call): string {
  const files = filesOf(call.row);
  const imports = [
    ...(files.some(inline) ? ["import base64"] : []),
    ...(files.every(inline) ? [] : ["from pathlib import Path"]),
  ];
  const head = imports.length > 0 ? `${imports.join("\n")}\n\n` : "";
  const options = [
    ...(call.version === undefined ? [] : [`, version=${call.version}`]),
    ...(call.label === undefined ? [] : [`, label=${JSON.stringify(call.label)}`]),
  ].join("");
  return `${head}from penstock_client import Client

with Client(${JSON.stringify(call.origin)}) as client:
    prediction = client.predict(${JSON.stringify(call.model)}, ${pythonValue(call.row)}${options})
    print(prediction)`;
}

function pythonValue(value: unknown): string {
  if (isAttachment(value)) {
    return inline(value)
      ? `base64.b64decode(${JSON.stringify(base64(value.bytes))})`
      : `Path(${JSON.stringify(value.name)})`;
  }
  if (Array.isArray(value)) {
    return `[${value.map(pythonValue).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    return record(entries(value, pythonValue), { space: "", indent: "    " });
  }
  const constants = new Map<unknown, string>([
    [true, "True"],
    [false, "False"],
    [null, "None"],
  ]);
  return constants.get(value) ?? JSON.stringify(value);
}

function typescript(call: Call): string {
  const files = filesOf(call.row);
  const chosen = [
    ...(call.version === undefined ? [] : [`version: ${call.version}`]),
    ...(call.label === undefined ? [] : [`label: ${JSON.stringify(call.label)}`]),
  ];
  const options = chosen.length > 0 ? `, { ${chosen.join(", ")} }` : "";
  const reading = files.every(inline) ? "" : `import { readFile } from "node:fs/promises";\n`;
  return `${reading}import { Client } from "@penstock/client";

const client = new Client(${JSON.stringify(call.origin)});
const prediction = await client.predict(${JSON.stringify(call.model)}, ${typescriptValue(call.row)}${options});
console.log(prediction);`;
}

function typescriptValue(value: unknown): string {
  if (isAttachment(value)) {
    return inline(value)
      ? `Uint8Array.from(atob(${JSON.stringify(base64(value.bytes))}), (letter) => letter.charCodeAt(0))`
      : `await readFile(${JSON.stringify(value.name)})`;
  }
  if (Array.isArray(value)) {
    return `[${value.map(typescriptValue).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    return record(entries(value, typescriptValue), { space: " ", indent: "" });
  }
  return JSON.stringify(value);
}

function entries(values: object, render: (value: unknown) => string): readonly string[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}: ${render(value)}`);
}

/** On one line while it fits, else a line for each; `indent` is that of the line it begins on. */
function record(
  shown: readonly string[],
  { space, indent }: { readonly space: string; readonly indent: string },
): string {
  const line = shown.join(", ");
  const inner = `\n${indent}    `;
  return line.length <= LINE ? `{${space}${line}${space}}` : `{${inner}${shown.join(`,${inner}`)},\n${indent}}`;
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w:/.=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
