import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runWell } from "../harness/run.ts";
import { startServer, testCredentials, type TestServer } from "../harness/server.ts";
import { obtainMinioGo, type MinioGoUser } from "./minio-go/obtain-minio-go.ts";
import { obtainPython } from "./python/obtain-python.ts";

const keys = { ACCESS_KEY: testCredentials.accessKey, SECRET_KEY: testCredentials.secretKey };

describe("Milvus' own client libraries", () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.dispose());

  const python = obtainPython();
  test.skipIf(python === null)("Arrow's S3 filesystem, and boto3", async () => {
    const script = join(import.meta.dirname, "python", "clients.py");
    const ran = await runWell(python as string, [script, `127.0.0.1:${server.port}`], { env: keys });
    expect(ran.stdout.toString().trim().split("\n")).toHaveLength(6);
  });

  const users: readonly MinioGoUser[] = ["milvus", "milvus-backup"];
  describe.each(users)("minio-go as %s has it", (user) => {
    const program = obtainMinioGo(user);
    test.skipIf(program === null)("does all that Milvus does with it", async () => {
      const ran = await runWell(program as string, [`127.0.0.1:${server.port}`], { env: keys });
      expect(ran.stdout.toString().trim().split("\n")).toHaveLength(8);
    });
  });
});
