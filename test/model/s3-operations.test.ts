import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, testCredentials, type TestServer } from "../harness/server.ts";
import { createSpreadClient, type SpreadClient } from "../harness/spread-client.ts";
import { operations } from "./operations.ts";
import { md5Hex, type Model } from "./reference.ts";

const runCount = Number(process.env.KAKERA_MODEL_RUNS ?? 60);
const seed = Number(process.env.KAKERA_MODEL_SEED ?? 20_261_124);

/** One process, and two that answer by turns: each request is another process' than the one before it. A half of the histories for each. */
describe.each([1, 2])("a server in %i processes", (processes) => {
  const numRuns = Math.ceil(runCount / 2);
  let server: TestServer;
  let client: SpreadClient;

  beforeAll(async () => {
    server = await startServer({ processes, env: { KAKERA_TEST_SETTINGS: JSON.stringify({ minPartBytes: 0 }) } });
    client = await createSpreadClient(server.endpoint, testCredentials, processes);
  });
  afterAll(async () => {
    client.close();
    await server.dispose();
  });

  test(`random S3 operations do what a map of keys to bodies does (seed ${seed}, ${numRuns} histories)`, async () => {
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
      { seed: seed + processes - 1, numRuns, endOnFailure: true },
    );
    expect(client.answeredBy.size).toBe(processes);
  });
});
