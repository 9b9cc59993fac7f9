import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificate } from "../harness/certificate.ts";
import { runWell } from "../harness/run.ts";
import { spawnServer, testCredentials, until, type TestServer } from "../harness/server.ts";
import { obtainMinioGo, type MinioGoUser } from "./minio-go/obtain-minio-go.ts";
import { obtainPython } from "./python/obtain-python.ts";

const keys = { ACCESS_KEY: testCredentials.accessKey, SECRET_KEY: testCredentials.secretKey };
const python = obtainPython();
const users: readonly MinioGoUser[] = ["milvus", "milvus-backup"];
const programs = users.map((user) => ({ user, program: obtainMinioGo(user) }));

describe.each(["http", "https"])("Milvus' own client libraries over %s", (scheme) => {
  let server: TestServer;
  /** Its certificate; null: without TLS. */
  let trusted: string | null = null;

  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), "kakera-milvus-"));
    const certs = scheme === "https" ? makeCertificate(directory) : null;
    trusted = certs === null ? null : join(certs, "public.crt");
    server = await spawnServer({ directory, args: certs === null ? [] : ["--certs-dir", certs] });
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    await until("it is ready", () => {
      if (server.process.exitCode !== null) throw new Error(server.output());
      return fetch(`${scheme}://127.0.0.1:${server.port}/health/ready`).then(
        ({ status }) => status === 200,
        () => false,
      );
    });
  });
  afterAll(() => server.dispose());

  test.skipIf(python === null)("Arrow's S3 filesystem, and boto3", async () => {
    const script = join(import.meta.dirname, "python", "clients.py");
    const args = [script, `127.0.0.1:${server.port}`, ...(trusted === null ? [] : [trusted])];
    const ran = await runWell(python as string, args, { env: keys });
    expect(ran.stdout.toString().trim().split("\n")).toHaveLength(6);
  });

  test.each(programs.filter(({ program }) => program !== null))("minio-go as $user has it", async ({ program }) => {
    const env = { ...keys, ...(trusted === null ? {} : { SSL_CERT_FILE: trusted }) };
    const ran = await runWell(program as string, [`${scheme}://127.0.0.1:${server.port}`], { env });
    expect(ran.stdout.toString().trim().split("\n")).toHaveLength(8);
  });
});
