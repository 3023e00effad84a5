/** Calls as a whole, in a world of their own: what is asked, when, and what comes of it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as errors from "../src/errors.js";
import { Client } from "../src/index.js";
import { good, instances, isMetadata, json, metadata, refused, spam, spamWorld, World } from "./world.js";

test("metadata are asked once, and labels are those of the version that answered", async () => {
  let version = 1;
  const world = new World((asked) => {
    if (isMetadata(asked)) {
      return asked.path.includes("/versions/2/") ? spam(2, ["fine", "rubbish"]) : spam(1);
    }
    return good(asked, version);
  });
  const client = world.client();
  assert.equal((await client.predict("spam", "win")).label, "spam");
  assert.equal((await client.predict("spam", "win")).label, "spam");
  version = 2;
  const changed = await client.predict("spam", "win");
  assert.deepEqual([changed.label, changed.version, changed.requestId], ["rubbish", 2, "r1"]);
  assert.equal((await client.predict("spam", "win")).label, "rubbish");
  assert.deepEqual(
    world.asked.filter(isMetadata).map((asked) => asked.path),
    ["/v1/models/spam/metadata", "/v1/models/spam/versions/2/metadata"],
  );
  assert.equal(world.pending, 0);
});

test("what is one row follows the version that answers now", async () => {
  const tensor = (version: number, size: number) =>
    metadata("t", version, [{ kind: "tensor", name: "x", dtype: "float32", shape: [size] }], { task: "regression" });
  const world = new World((asked) => {
    if (isMetadata(asked)) {
      return asked.path.includes("/versions/2/") ? tensor(2, 4) : tensor(1, 2);
    }
    return json({ predictions: instances(asked).map(() => [1]) }, { "x-model-version": "2" });
  });
  const client = world.client();
  assert.equal((await client.predictMany("t", new Float32Array(4))).length, 2);
  assert.equal((await client.predictMany("t", new Float32Array(4))).length, 1);
});

test("a version and a label stand in the path, and both together nowhere", async () => {
  const world = spamWorld((_, asked) => good(asked));
  const client = world.client();
  await client.predict("spam", "win", { version: 1 });
  await client.predict("spam", "win", { label: "the best" });
  assert.deepEqual(
    world.predictions.map((asked) => asked.path),
    ["/v1/models/spam/versions/1:predict", "/v1/models/spam/labels/the%20best:predict"],
  );
  await assert.rejects(client.predict("spam", "win", { version: 1, label: "best" }), TypeError);
});

test("headers say who asks, what for and how long is left", async () => {
  const world = spamWorld((number, asked) =>
    number === 1 ? refused(503, "Overloaded", { retryAfter: "2" }) : good(asked),
  );
  world.chance = 0;
  const client = world.client({ token: "t", timeoutSeconds: 7 });
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  await world.come(client.predict("spam", "win", { priority: "batch", requestId: "mine", traceparent }));
  const [first, second] = world.predictions;
  assert.deepEqual(first?.headers, {
    authorization: "Bearer t",
    "x-request-id": "mine",
    "x-priority": "batch",
    traceparent,
    "content-type": "application/json",
    "x-request-timeout-ms": "7000",
  });
  assert.equal(second?.headers["x-request-timeout-ms"], "5000");
  assert.equal(Math.round(1000 * ((second?.atSeconds ?? 0) - (first?.atSeconds ?? 0))), 2000);
});

test("credentials are a key, a token, or one that is asked for at each call", async () => {
  const world = new World(() => json({ models: [] }));
  let tokens = 0;
  await world.client({ apiKey: "k" }).models();
  const renewing = world.client({ token: () => Promise.resolve(`t${++tokens}`) });
  await renewing.models();
  await renewing.models();
  const sent = world.asked.map(({ headers }) => headers["x-api-key"] ?? headers["authorization"]);
  assert.deepEqual(sent, ["k", "Bearer t1", "Bearer t2"]);
  assert.throws(() => world.client({ apiKey: "k", token: "t" }), TypeError);
  assert.throws(() => world.client({ apiKey: "k", token: () => "t" }), TypeError);
});

test("a client's own trace context is asked at each call", async () => {
  const world = new World(() => json({ models: [] }));
  let calls = 0;
  const client = world.client({ traceparent: () => `00-${String(++calls).padStart(32, "0")}-${"b".repeat(16)}-01` });
  await client.models();
  await client.models();
  assert.deepEqual(
    world.asked.map((asked) => asked.headers["traceparent"]?.slice(34, 35)),
    ["1", "2"],
  );
});

test("what ends by itself is tried again, and what does not is told at once", async () => {
  const flaky = spamWorld((number, asked) => (number < 3 ? "broken" : good(asked)));
  assert.equal((await flaky.come(flaky.client().predict("spam", "win"))).label, "spam");
  assert.equal(flaky.predictions.length, 3);
  const wrong = spamWorld(() => refused(400, "WrongDtype", { field: "/instances/0" }));
  await assert.rejects(wrong.come(wrong.client().predict("spam", "win")), (error: errors.PenstockError) => {
    assert.ok(error instanceof errors.WrongDtype);
    assert.deepEqual([error.field, error.requestId], ["/instances/0", "r7"]);
    return true;
  });
  assert.equal(wrong.predictions.length, 1);
});

test("attempts end with the retries, and the last error is told with its cause", async () => {
  const world = spamWorld(() => "broken");
  await assert.rejects(world.come(world.client({ retries: 2 }).predict("spam", "win")), (error: Error) => {
    assert.ok(error instanceof errors.ConnectionFailed);
    assert.match(error.message, /http:\/\/gateway cannot be reached.*ECONNREFUSED/);
    assert.ok(error.cause instanceof TypeError);
    return true;
  });
  assert.equal(world.predictions.length, 3);
  assert.equal(world.pending, 0);
});

test("nobody waits for an attempt that would come after the deadline", async () => {
  const world = spamWorld(() => refused(503, "Overloaded", { retryAfter: "30" }));
  await assert.rejects(world.come(world.client().predict("spam", "win")), errors.Overloaded);
  assert.equal(world.predictions.length, 1);
  assert.equal(world.nowSeconds, 100);
});

test("one deadline runs through all attempts", async () => {
  const world = spamWorld((number) => (number === 1 ? refused(503, "Overloaded", { retryAfter: "4" }) : "silent"));
  await assert.rejects(world.come(world.client().predict("spam", "win", { timeoutSeconds: 6 })), (error: Error) => {
    assert.ok(error instanceof errors.DeadlineExceeded);
    assert.match(error.message, /no answer within 6 s/);
    return true;
  });
  assert.equal(world.nowSeconds, 106);
});

test("an aborted call fails with the signal's reason, under way or waiting", async () => {
  const asked = new AbortController();
  const silent = spamWorld(() => {
    setImmediate(() => asked.abort(new Error("changed my mind")));
    return "silent";
  });
  await assert.rejects(silent.client().predict("spam", "win", { signal: asked.signal }), /changed my mind/);
  assert.equal(silent.pending, 0);

  const waiting = new AbortController();
  const full = spamWorld(() => {
    setImmediate(() => waiting.abort());
    return refused(503, "Overloaded", { retryAfter: "5" });
  });
  await assert.rejects(full.client().predict("spam", "win", { signal: waiting.signal }), { name: "AbortError" });
  assert.equal(full.pending, 0);

  const before = spamWorld((_, request) => good(request));
  await assert.rejects(before.client().predict("spam", "win", { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(before.asked.length, 0);
});

test("an answer that is no gateway's is unexpected", async () => {
  const world = new World(() => new Response("<html>hello</html>"));
  await assert.rejects(world.client().models(), errors.UnexpectedAnswer);
  const short = spamWorld(() => json({ predictions: [] }));
  await assert.rejects(short.client().predict("spam", "win"), /0 predictions for 1 rows/);
});

test("after a refusal the version is looked up again", async () => {
  const world = spamWorld((number, asked) => (number === 1 ? refused(400, "UnknownField") : good(asked)));
  const client = world.client();
  await assert.rejects(client.predict("spam", "win"), errors.UnknownField);
  await client.predict("spam", "win");
  assert.equal(world.asked.filter(isMetadata).length, 2);
});

test("no rows are no request", async () => {
  const world = spamWorld((_, asked) => good(asked));
  assert.deepEqual(await world.client().predict("spam", []), []);
  assert.deepEqual(await world.client().predictMany("spam", []), []);
  assert.equal(world.predictions.length, 0);
});

test("a Blob is read, and one that cannot be is told so", async () => {
  const picture = () =>
    metadata("p", 1, [{ kind: "image", name: "image", dtype: "float32", shape: [1, 1] }], {
      task: "classification",
      labels: ["ham", "spam"],
    });
  const world = new World((asked) => (isMetadata(asked) ? picture() : json({ predictions: [[1, 0]] })));
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const client = world.client();
  await client.predict("p", new Blob([png]));
  await client.predict("p", [new Blob([png])]);
  assert.deepEqual(world.predictions[0]?.body, png);
  assert.equal(world.predictions[0]?.headers["content-type"], "image/png");
  assert.deepEqual(instances(world.predictions[1]), [{ b64: "iVBORw0KGgo=" }]);
  const gone = Object.assign(new Blob([png]), { arrayBuffer: () => Promise.reject(new Error("gone")) });
  await assert.rejects(client.predict("p", gone), errors.UnreadableFile);
});

test("wrong use is refused before anything is sent", async () => {
  assert.throws(() => new Client("localhost:8080"), TypeError);
  assert.throws(() => new Client("http://g", { timeoutSeconds: 0 }), RangeError);
  assert.throws(() => new Client("http://g", { retries: -1 }), RangeError);
  assert.throws(() => new Client("http://g", { token: "a\nb" }), TypeError);
  const world = spamWorld((_, asked) => good(asked));
  const client = world.client();
  await assert.rejects(client.predict("", "x"), TypeError);
  await assert.rejects(client.predict("spam", "x", { requestId: "no spaces" }), TypeError);
  await assert.rejects(client.predict("spam", "x", { traceparent: "abc" }), TypeError);
  await assert.rejects(client.predict("spam", "x", { timeoutSeconds: Number.NaN }), RangeError);
  await assert.rejects(client.predictMany("spam", ["x"], { chunkRows: 0 }), RangeError);
  await assert.rejects(client.predictMany("spam", "x" as never), TypeError);
  assert.equal(world.predictions.length, 0);
});

test("a token that never comes ends with the deadline, and with the signal", async () => {
  const world = spamWorld((_, asked) => good(asked));
  const client = world.client({ token: () => new Promise<string>(() => undefined), timeoutSeconds: 3 });
  await assert.rejects(world.come(client.predict("spam", "win")), errors.DeadlineExceeded);
  assert.equal(world.nowSeconds, 103);
  const stop = new AbortController();
  const call = client.predict("spam", "win", { signal: stop.signal });
  stop.abort(new RangeError("enough"));
  await assert.rejects(call, RangeError);
  assert.deepEqual([world.asked.length, world.pending], [0, 0]);
});

test("a URL with a password is wrong use, and the password is not shown", () => {
  assert.throws(
    () => new Client("https://me:opensesame@gateway.example"),
    (error: unknown) => error instanceof TypeError && !error.message.includes("opensesame"),
  );
});
