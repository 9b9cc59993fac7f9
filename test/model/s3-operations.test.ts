import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createS3Client, type S3Client } from "../harness/request.ts";
import { startServer, testCredentials, type TestServer } from "../harness/server.ts";
import { operations } from "./operations.ts";
import { md5Hex, type Model } from "./reference.ts";

const runCount = Number(process.env.KAKERA_MODEL_RUNS ?? 60);
const seed = Number(process.env.KAKERA_MODEL_SEED ?? 20_261_124);
let server: TestServer;
let client: S3Client;

beforeAll(async () => {
  server = await startServer({ env: { KAKERA_TEST_SETTINGS: JSON.stringify({ minPartBytes: 1 }) } });
  client = createS3Client(server.endpoint, testCredentials);
});
afterAll(async () => {
  client.close();
  await server.dispose();
});

test(`random S3 operations do what a map of keys to bodies does (seed ${seed}, ${runCount} histories)`, async () => {
  let history = 0;
  await fc.assert(
    fc.asyncProperty(fc.commands(operations, { maxCommands: 30 }), async (commands) => {
      const bucket = `model-${history++}`;
      expect((await client.send({ method: "PUT", target: `/${bucket}` })).status).toBe(200);
      const model: Model = { objects: new Map(), uploads: new Map() };
      await fc.asyncModelRun(() => ({ model, real: { client, bucket } }), commands);
      for (const [key, object] of model.objects) {
        const got = await client.send({ method: "GET", target: `/${bucket}/${encodeURIComponent(key)}` });
        expect(md5Hex(got.body)).toBe(md5Hex(object.body));
      }
    }),
    { seed, numRuns: runCount, endOnFailure: true },
  );
});
