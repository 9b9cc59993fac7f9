import { createHash } from "node:crypto";
import Router from "@koa/router";
import Koa from "koa";
import type { ConsoleFile } from "../console/console-files.ts";
import type { StatusReport } from "../admin/status-report.ts";
import { pageStatus, type EndpointFacts } from "./page-status.ts";

/** The page's files, read at the start. */
interface PageAssets {
  readonly html: Buffer;
  readonly script: Buffer;
  readonly style: Buffer;
  readonly icon: Buffer;
}

export interface StatusAppComponents {
  readonly assets: PageAssets;
  /** Of the console; none: it was not built. */
  readonly console: readonly ConsoleFile[];
  readonly status: () => StatusReport;
  readonly endpoint: EndpointFacts;
}

const securityHeaders = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** What is served to whoever signs nothing: the status page, without secrets, and the files of the console. */
export function createStatusApp(components: StatusAppComponents): Koa {
  const { assets, status, endpoint } = components;
  const router = new Router();
  serve(router, "/", { type: "html", bytes: assets.html });
  serve(router, "/status.js", { type: "js", bytes: assets.script });
  serve(router, "/status.css", { type: "css", bytes: assets.style });
  serve(router, "/icon.svg", { type: "svg", bytes: assets.icon });
  for (const file of components.console) serve(router, file.path, file);
  if (components.console.length === 0) {
    router.get("/console/", (ctx) => {
      ctx.status = 503;
      ctx.body = "The console was not built. Try: node tools/build.ts, and start the server again.\n";
    });
  }
  router.get("/status.json", (ctx) => {
    ctx.set("Cache-Control", "no-store");
    ctx.body = pageStatus(status(), endpoint);
  });
  // Compose files written for RustFS ask here.
  router.get("/rustfs/console/health", (ctx) => {
    ctx.body = { status: "ok" };
  });
  const app = new Koa();
  app.use(async (ctx, next) => {
    ctx.set(securityHeaders);
    // Over plain http browsers ignore it, and complain.
    if (endpoint.isTls) ctx.set("Cross-Origin-Opener-Policy", "same-origin");
    await next();
  });
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}

function serve(router: Router, path: string, file: { readonly type: string; readonly bytes: Buffer }): void {
  const etag = `"${createHash("sha256").update(file.bytes).digest("hex").slice(0, 32)}"`;
  router.get(path, (ctx) => {
    ctx.set({ ETag: etag, "Cache-Control": "no-cache" });
    ctx.status = 200;
    if (ctx.fresh) {
      ctx.status = 304;
      return;
    }
    ctx.type = file.type;
    ctx.body = file.bytes;
  });
}
