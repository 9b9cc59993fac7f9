import { join } from "node:path";
import { expect, test } from "vitest";
import { slowUpload, startReadyServer, folderForEachTest, until } from "./process/kakera.ts";

const folder = folderForEachTest();

test("forty clients that stall within large bodies do not keep another from its upload, and are told RequestTimeout", async () => {
  const server = await startReadyServer([join(folder.path, "d{1...4}"), "--bucket", "data"]);
  const uploads = Array.from({ length: 40 }, (_, index) => slowUpload(server, `/data/stalled-${index}`, 8_000_000));
  let begunCount = 0;
  for (const { begun } of uploads) void begun.then(() => begunCount++).catch(() => {});
  // Those for which there is memory; the others wait for it, as the next one does.
  await until("uploads to hold all memory", () => begunCount >= 25);
  const body = "z".repeat(8_000_000);
  expect((await server.send("PUT", "/data/other", body)).status).toBe(200);
  expect((await server.send("GET", "/data/other")).text).toBe(body);
  expect(await Promise.any(uploads.map(({ status }) => status))).toBe(400);
  server.process.kill("SIGKILL");
  await server.ended;
});
