import { randomFillSync } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificate } from "../harness/certificate.ts";
import { countFor } from "../harness/length.ts";
import { spawnServer, until, type TestServer } from "../harness/server.ts";
import { runRestlessClient } from "./connections/restless-client.ts";
import { openConnection } from "./connections/open-connection.ts";

const bucket = "restless";
const clientCount = 8;
const batchCount = countFor({ whole: 2_000, ci: 120, here: 120 });
const bytes = randomFillSync(Buffer.alloc(8_000_000));

describe.each([
  { scheme: "http", processes: 1 },
  { scheme: "https", processes: 1 },
  { scheme: "http", processes: 2 },
])("over $scheme, with $processes process(es)", ({ scheme, processes }) => {
  let server: TestServer;
  let endpoint: URL;

  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), "kakera-connections-"));
    const tls = scheme === "https" ? ["--certs-dir", makeCertificate(directory)] : [];
    server = await spawnServer({ directory, processes, args: ["--bucket", bucket, ...tls] });
    endpoint = new URL(`${scheme}://127.0.0.1:${server.port}`);
    await until("the server is ready", async () => {
      if (server.process.exitCode !== null) throw new Error(server.output());
      const connection = openConnection(endpoint);
      connection.send(Buffer.from("GET /health/ready HTTP/1.1\r\nhost: kakera\r\n\r\n"));
      const answer = await connection.answer().catch(() => null);
      connection.destroy();
      return answer?.status === 200;
    });
  });
  afterAll(() => server.dispose());

  test("every request is answered in its turn and as what was asked before it left things", async () => {
    const seeds = Array.from({ length: clientCount }, (_, index) => index + 1);
    const clients = seeds.map((seed) => runRestlessClient({ endpoint, bucket, seed, batchCount, bytes }));
    const answered = await Promise.all(clients);
    expect(Math.min(...answered), server.output()).toBeGreaterThan(batchCount);
  });
});
