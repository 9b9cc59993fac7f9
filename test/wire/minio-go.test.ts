import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificate } from "../harness/certificate.ts";
import { spawnServer, testCredentials, until, type TestServer } from "../harness/server.ts";
import { createReplay } from "./replay.ts";
import { readTrace } from "./trace.ts";

const fixtures = join(import.meta.dirname, "fixtures");

describe.each([
  { scheme: "http", file: "minio-go-v7.0.73-http.trace" },
  { scheme: "https", file: "minio-go-v7.0.73-https-region-set.trace" },
])("what minio-go 7.0.73 sends over $scheme", ({ scheme, file }) => {
  let server: TestServer;

  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), "kakera-wire-"));
    const args = scheme === "https" ? ["--certs-dir", makeCertificate(directory)] : [];
    server = await spawnServer({ directory, args });
    const probe = createReplay(new URL(`${scheme}://127.0.0.1:${server.port}`), testCredentials);
    await until("the server answers", async () => {
      if (server.process.exitCode !== null) throw new Error(server.output());
      return probe
        .play({
          method: "GET",
          target: "/",
          headers: [
            [
              "authorization",
              "Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=x",
            ],
          ],
          payloadSizeBytes: 0,
          completeBody: null,
          status: 200,
        })
        .then(
          (answer) => answer.status === 200,
          () => false,
        );
    });
  });
  afterAll(() => server.dispose());

  test("is answered as it expects, request by request", async () => {
    const replay = createReplay(new URL(`${scheme}://127.0.0.1:${server.port}`), testCredentials);
    const recorded = readTrace(join(fixtures, file));
    expect(recorded.length).toBeGreaterThan(35);
    for (const [index, request] of recorded.entries()) {
      const answer = await replay.play(request);
      const what = `#${index} ${request.method} ${request.target} ${answer.body.subarray(0, 600).toString()}`;
      expect(`${answer.status} ${what}`).toBe(`${request.status} ${what}`);
      // minio-go fails on an answer whose Last-Modified is missing or not RFC 7231.
      if (
        (request.method === "GET" || request.method === "HEAD") &&
        request.target.includes("/files/") &&
        answer.status < 300
      ) {
        expect(answer.headers["last-modified"]).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
        expect(answer.headers.etag).toMatch(/^"[0-9a-f]{32}(-\d+)?"$/);
      }
      if (request.completeBody !== null) expect(answer.body.toString()).toMatch(/<Bucket>a-bucket<\/Bucket>/);
      if (request.method === "HEAD" && answer.status === 404)
        expect(answer.headers["x-minio-error-code"]).toBe(
          request.target.includes("/files/") ? "NoSuchKey" : "NoSuchBucket",
        );
      if (request.target.includes("encoding-type=url"))
        expect(answer.body.toString()).toContain("<EncodingType>url</EncodingType>");
    }
  });
});
