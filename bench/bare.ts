/**
 * The bare server that ratios are taken against: node:http, fixed buffers, Content-Length, nothing else.
 * GET and HEAD of /bucket/get-SIZE/... answer SIZE bytes of the bench's pattern; PUT reads its body and answers 200.
 * Usage: node bench/bare.ts PORT
 */
import { createServer } from "node:http";
import { patternFor } from "@kakera/load";

const bodies = new Map<string, Buffer>();

function bodyOf(target: string): Buffer {
  const key = target.split("?", 1)[0]?.slice(1).split("/").slice(1).join("/") ?? "";
  const known = bodies.get(key);
  if (known !== undefined) return known;
  const size = Number(/^get-(\d+)\//.exec(key)?.[1] ?? 0);
  const body = patternFor(key, size);
  bodies.set(key, body);
  return body;
}

const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (request, response) => {
  if (request.method === "PUT") {
    request.on("data", () => {});
    request.on("end", () => {
      response.writeHead(200, { "Content-Length": 0 });
      response.end();
    });
    return;
  }
  const body = bodyOf(request.url ?? "/");
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const part = range === null ? body : body.subarray(Number(range[1]), Number(range[2]) + 1);
  response.writeHead(range === null ? 200 : 206, {
    "Content-Length": part.byteLength,
    "Content-Type": "binary/octet-stream",
  });
  response.end(part);
});
server.listen(Number(process.argv[2]), "127.0.0.1");
