/**
 * How the console is built: into `dist/`, with addresses below /console/, and nothing that the page's
 * Content-Security-Policy would refuse (no inline script, no style attribute).
 */

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** `npm run dev` shows the console over a gateway that runs already. */
const GATEWAY = process.env["PENSTOCK_GATEWAY"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "/console/",
  resolve: {
    // the client's sources: its own build need not be there, and is never older than they are
    alias: { "@penstock/client": fileURLToPath(new URL("../../clients/typescript/src/index.ts", import.meta.url)) },
  },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  server: { host: "127.0.0.1", proxy: { "/v1": GATEWAY, "/console/figures": GATEWAY, "/console/reports": GATEWAY } },
});
