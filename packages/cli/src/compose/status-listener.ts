import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsContext } from "@kakera/gateway";
import type { ServerSettings } from "../config/resolve-settings.ts";
import { createListener, listen, type Listener } from "../drivers/http-listener.ts";
import { createStatusApp } from "../status-page/status-app.ts";
import type { ServerState } from "./server-state.ts";

const folder = join(import.meta.dirname, "..", "status-page", "assets");

/** Serves the status page; null: it is off. Throws CommandFailure when its address cannot be had. */
export async function serveStatusPage(
  state: ServerState,
  settings: ServerSettings,
  tls: TlsContext | null,
): Promise<Listener | null> {
  if (settings.consoleAddress === null) return null;
  const app = createStatusApp({
    assets: {
      html: readFileSync(join(folder, "index.html")),
      script: readFileSync(join(folder, "status.js")),
      style: readFileSync(join(folder, "status.css")),
      icon: readFileSync(join(folder, "icon.svg")),
    },
    status: () => state.status(),
    endpoint: { port: settings.address.port, isTls: tls !== null, region: settings.region },
  });
  const handle = app.callback();
  const listener = createListener(tls);
  listener.server.on("request", (request, response) => void handle(request, response));
  await listen(listener.server, settings.consoleAddress);
  return listener;
}
