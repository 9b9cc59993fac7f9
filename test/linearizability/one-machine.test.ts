import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../harness/free-port.ts";
import { countFor } from "../harness/length.ts";
import { createS3Client } from "../harness/request.ts";
import { startServer, testCredentials, until } from "../harness/server.ts";
import { startClients } from "./clients.ts";
import { expectLinearizable } from "./judge-histories.ts";
import { PresignedGateway } from "./presigned-gateway.ts";

const seed = Number(process.env.KAKERA_LINEARIZABILITY_SEED ?? 20_261_129);
const operationCount = Number(
  process.env.KAKERA_LINEARIZABILITY_OPERATIONS ?? countFor({ whole: 15_000, ci: 8_000, here: 3_000 }),
);
const killCount = 3;
const buckets = Array.from({ length: 4 }, (_, index) => `bucket${index}`);

test.each([1, 2])(
  `a server of one machine in %i processes answers as one store would, while it is killed again and again (seed ${seed})`,
  async (processes) => {
    const options = {
      directory: mkdtempSync(join(tmpdir(), "kakera-test-")),
      port: await freePort(),
      processes,
    };
    let server = await startServer(options);
    const client = createS3Client(server.endpoint, testCredentials);
    for (const bucket of buckets) expect((await client.send({ method: "PUT", target: `/${bucket}` })).status).toBe(200);
    client.close();
    const gateway = new PresignedGateway(server.endpoint, { credentials: testCredentials, patienceMs: 3_000 });
    const clients = startClients({ gateways: [gateway], buckets, keys: ["k1", "k2", "k3"], clientCount: 24, seed });
    try {
      for (let kill = 1; kill <= killCount; kill++) {
        const begun = (operationCount * kill) / (killCount + 1);
        await until("the next kill is due", () => clients.answeredCount() >= begun);
        await server.kill();
        server = await startServer(options);
      }
      await until("enough is answered", () => clients.answeredCount() >= operationCount);
      expectLinearizable(await clients.stop(), { operationCount });
    } finally {
      await clients.stop();
      await gateway.close();
      await server.dispose();
    }
  },
);
