/** Over real sockets: where a redirect leads, nobody goes with the caller's credentials. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Client, UnexpectedAnswer } from "../src/index.js";

async function served(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("a redirect is told, not followed", async () => {
  let asked = 0;
  const other = await served((_, response) => {
    asked += 1;
    response.end('{"models": []}');
  });
  const gateway = await served((_, response) => {
    response.writeHead(307, { location: `${other.url}/v1/models` }).end();
  });
  try {
    await assert.rejects(new Client(gateway.url, { apiKey: "k" }).models(), (error: unknown) => {
      assert.ok(error instanceof UnexpectedAnswer);
      assert.ok(error.message.includes(`is the URL that of Penstock's gateway? ${other.url}`));
      return true;
    });
    assert.equal(asked, 0);
  } finally {
    for (const { server } of [gateway, other]) {
      server.closeAllConnections();
      server.close();
    }
  }
});
