import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startReadyServer, folderForEachTest, type RunningServer } from "./process/kakera.ts";

const folder = folderForEachTest();

const serve = (): Promise<RunningServer> => startReadyServer([join(folder.path, "d{1...4}")]);
const element = (name: string, text: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? "";

/** Ends the server in this way and gives the next one over the same drives. */
async function restart(server: RunningServer, signal: "SIGTERM" | "SIGKILL"): Promise<RunningServer> {
  server.process.kill(signal);
  await server.ended;
  return serve();
}

describe.each(["SIGTERM", "SIGKILL"] as const)("a server that is started again after %s", (signal) => {
  test("line 36: answers Complete once more as it did, and makes no new object", async () => {
    const before = await serve();
    await before.send("PUT", "/data");
    const uploadId = element("UploadId", (await before.send("POST", "/data/key?uploads")).text);
    const etags: string[] = [];
    for (const [number, body] of [
      [1, "x".repeat(5 << 20)],
      [2, "the end"],
    ] as const) {
      const part = await before.send("PUT", `/data/key?partNumber=${number}&uploadId=${uploadId}`, body);
      etags.push(part.headers["etag"] as string);
    }
    const documentOf = (listed: readonly string[]): string =>
      `<CompleteMultipartUpload>${listed
        .map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`)
        .join("")}</CompleteMultipartUpload>`;
    const complete = (server: RunningServer, listed: readonly string[]) =>
      server.send("POST", `/data/key?uploadId=${uploadId}`, documentOf(listed));
    const versionOf = async (server: RunningServer) => {
      const { headers } = await server.send("HEAD", "/data/key");
      return [headers["etag"], headers["last-modified"], headers["content-length"]];
    };
    const first = await complete(before, etags);
    expect(first.status).toBe(200);
    const version = await versionOf(before);

    const after = await restart(before, signal);
    const again = await complete(after, etags);
    expect([again.status, element("ETag", again.text)]).toEqual([200, element("ETag", first.text)]);
    expect(await versionOf(after)).toEqual(version);
    const other = await complete(after, etags.slice(0, 1));
    expect([other.status, element("Code", other.text)]).toEqual([404, "NoSuchUpload"]);
  });

  test("lines 29 and 32: goes on from a token that it gave before, and shows every object as of the same instant", async () => {
    const before = await serve();
    await before.send("PUT", "/data");
    for (const key of ["a", "b", "c", "d"]) await before.send("PUT", `/data/${key}`, key);
    const shown = (text: string): string[] =>
      [...text.matchAll(/<Key>([^<]*)<\/Key><LastModified>([^<]*)</g)].map(([, key, at]) => `${key} ${at}`);
    const whole = shown((await before.send("GET", "/data?list-type=2")).text);
    expect(whole).toHaveLength(4);
    const page = (await before.send("GET", "/data?list-type=2&max-keys=2")).text;
    const token = encodeURIComponent(element("NextContinuationToken", page));
    expect(token).not.toBe("");
    const inHeader = (await before.send("HEAD", "/data/d")).headers["last-modified"];

    const after = await restart(before, signal);
    const rest = (await after.send("GET", `/data?continuation-token=${token}&list-type=2`)).text;
    expect([...shown(page), ...shown(rest)]).toEqual(whole);
    expect((await after.send("HEAD", "/data/d")).headers["last-modified"]).toBe(inHeader);
  });
});
