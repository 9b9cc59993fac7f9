import { readFileSync } from "node:fs";
import { join } from "node:path";
import { consoleFolder } from "@kakera/console";
import type { TlsContext } from "@kakera/gateway";
import type { ServerSettings } from "../config/resolve-settings.ts";
import { readConsoleFiles } from "../console/console-files.ts";
import { createListener, listen, type Listener } from "../drivers/http-listener.ts";
import { createStatusApp } from "../status-page/status-app.ts";
import type { Server } from "./compose-server.ts";

const folder = join(import.meta.dirname, "..", "status-page", "assets");

/**
 * Serves the status page and the console, and to what is signed S3 and the administration as the S3 port does; null: it is off. Throws
 * CommandFailure when its address cannot be had.
 */
export async function serveStatusPage(
  { state, gateway }: Pick<Server, "state" | "gateway">,
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
    console: readConsoleFiles(consoleFolder),
    status: () => state.status(),
    endpoint: { port: settings.address.port, isTls: tls !== null, region: settings.region },
  });
  const handle = app.callback();
  const listener = createListener(tls);
  gateway.attach(listener.server, (request, response) => void handle(request, response));
  await listen(listener.server, settings.consoleAddress);
  return listener;
}
