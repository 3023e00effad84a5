import assert from "node:assert/strict";
import { test } from "node:test";
import { type Attachment, type Call, snippetsOf } from "../src/core/snippets.js";

const CALL: Call = {
  origin: "http://127.0.0.1:8080",
  model: "diabetes",
  version: undefined,
  label: undefined,
  row: { age: 59, smoker: true, note: "it's" },
};
const SMALL: Attachment = { name: "drawing.png", type: "image/png", bytes: new Uint8Array([1, 2, 3]) };
const LARGE: Attachment = { name: "my cat.jpg", type: "image/jpeg", bytes: new Uint8Array(5000) };

test("a record in each language, quoted as that language wants it", () => {
  const { curl, python, typescript } = snippetsOf(CALL);
  assert.equal(
    curl,
    `curl http://127.0.0.1:8080/v1/models/diabetes:predict \\\n  -d '{"instances":[{"age":59,"smoker":true,"note":"it'\\''s"}]}'`,
  );
  assert.match(python, /client\.predict\("diabetes", \{"age": 59, "smoker": True, "note": "it's"\}\)/);
  assert.match(typescript, /await client\.predict\("diabetes", \{ "age": 59, "smoker": true, "note": "it's" \}\);/);
});

test("versions and labels are named as each way names them", () => {
  const version = snippetsOf({ ...CALL, version: 3 });
  assert.match(version.curl, /models\/diabetes\/versions\/3:predict/);
  assert.match(version.python, /, version=3\)/);
  assert.match(version.typescript, /, \{ version: 3 \}\)/);
  const label = snippetsOf({ ...CALL, label: "canary" });
  assert.match(label.curl, /labels\/canary:predict/);
  assert.match(label.python, /, label="canary"\)/);
});

test("a small file stands in the text", () => {
  const { curl, python, typescript } = snippetsOf({ ...CALL, row: SMALL });
  assert.match(curl, /-d '\{"instances":\[\{"b64":"AQID"\}\]\}'$/);
  assert.match(python, /^import base64\n[\s\S]*base64\.b64decode\("AQID"\)/);
  assert.match(typescript, /atob\("AQID"\)/);
});

test("a large file is named, and its name quoted", () => {
  const { curl, python, typescript } = snippetsOf({ ...CALL, row: LARGE });
  assert.match(curl, /-H 'content-type: image\/jpeg' \\\n {2}--data-binary '@my cat\.jpg'$/);
  assert.match(python, /^from pathlib import Path\n[\s\S]*Path\("my cat\.jpg"\)/);
  assert.match(typescript, /^import \{ readFile \}[\s\S]*await readFile\("my cat\.jpg"\)/);
});

test("a long record has a line for each value", () => {
  const row = Object.fromEntries(Array.from({ length: 10 }, (_, place) => [`feature_${place}`, place]));
  const { python, typescript } = snippetsOf({ ...CALL, row });
  assert.match(python, /\{\n {8}"feature_0": 0,\n[\s\S]*"feature_9": 9,\n {4}\}\)\n/);
  assert.match(typescript, /\{\n {4}"feature_0": 0,\n[\s\S]*"feature_9": 9,\n\}\);/);
});

test("a large file in a record goes as a form", () => {
  const { curl } = snippetsOf({ ...CALL, row: { age: 59, photo: LARGE } });
  assert.match(curl, /-F age=59 \\\n {2}-F 'photo=@my cat\.jpg'$/);
});
