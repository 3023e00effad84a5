import assert from "node:assert/strict";
import { test } from "node:test";
import { credentialOf, headersOf, refusalOf } from "../src/core/credential.js";
import { reportPage } from "../src/core/reportPage.js";

test("keys and tokens are told apart by their form, and go in their own headers", () => {
  assert.deepEqual(headersOf(credentialOf(" psk_0a1b2c3d_x\n")), { "x-api-key": "psk_0a1b2c3d_x" });
  assert.deepEqual(headersOf(credentialOf("eyJh.eyJz.c2ln")), { authorization: "Bearer eyJh.eyJz.c2ln" });
  assert.deepEqual(headersOf(credentialOf("Bearer eyJh.eyJz.c2ln")), { authorization: "Bearer eyJh.eyJz.c2ln" });
  assert.deepEqual(headersOf(undefined), {});
});

test("what no header can carry is no credential", () => {
  assert.deepEqual(["", "  ", "two words", "schlüssel"].map(credentialOf), [
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("a refusal is told, nothing before anything was shown", () => {
  assert.equal(refusalOf(401, false), "");
  assert.match(refusalOf(401, true) ?? "", /does not take/);
  assert.match(refusalOf(403, true) ?? "", /not for reading/);
  assert.equal(refusalOf(500, true), undefined);
});

test("a report is parted into its text and its styles", () => {
  const page = reportPage("<head><style>a {}</style></head><h1>x</h1><STYLE media=all>b\n{}</STYLE>");
  assert.deepEqual(page, { html: "<head></head><h1>x</h1>", styles: ["a {}", "b\n{}"] });
});
