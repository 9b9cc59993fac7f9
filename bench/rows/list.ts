import { createHash } from "node:crypto";
import { join } from "node:path";
import { openConnection, type Connection } from "@kakera/load";
import { cpuMicroseconds } from "../load/cpu.ts";
import { listPages } from "../load/list-keys.ts";
import { millionBodyBytes, millionBucket, openMillion } from "../load/million.ts";
import { milvusKeys, prefixesOf } from "../load/milvus-keys.ts";
import { patternFor } from "@kakera/load";
import { compareInTurn } from "../load/rounds.ts";
import { runBeside } from "../load/run-beside.ts";
import { startKakera, type RunningServer } from "../load/servers.ts";
import { createSigner, type Signer } from "../load/signer.ts";
import { untilIdle } from "../load/until-idle.ts";
import { report, voidUnless } from "../load/verdict.ts";
import type { RunPlan } from "./row.ts";

const prefixWalkers = 8;

/** LIST of a million keys against a bare walk of the same records; then a walk by delimiter that finds every prefix. */
export async function list(plan: RunPlan): Promise<void> {
  const million = await openMillion(plan.millionDirectory, plan.objectCount);
  const expected = milvusKeys(million.count);
  const server = await startKakera({ directory: million.directory });
  try {
    await untilIdle(server.pid);
    await compareWithBareWalk(server, expected, plan.roundCount);
    await findEveryPrefix(server, expected);
  } finally {
    await server.stop();
    million.discard();
  }
}

async function compareWithBareWalk(
  server: RunningServer,
  expected: readonly string[],
  roundCount: number,
): Promise<void> {
  const view = join(server.directory, "drive1", ".kakera", "state", "view");
  const ours = async (): Promise<number> => {
    const before = cpuMicroseconds(server.pid);
    await listAll(server, expected);
    return (cpuMicroseconds(server.pid) - before) / expected.length;
  };
  const bare = async (): Promise<number> => {
    const walked = await runBeside<{ keys: number; cpuMicroseconds: number }>("view-walk.ts", view);
    voidUnless(walked.keys === expected.length, `the bare walk saw ${walked.keys} keys`);
    return walked.cpuMicroseconds / walked.keys;
  };
  await listAll(server, expected);
  const compared = await compareInTurn(roundCount, ours, bare);
  report(`LIST of ${expected.length} keys, pages of 1000, for each key`, compared.ratio, {
    asked: { atMost: 5 },
    unit: "x bare walk",
    detail:
      `${compared.ours.toFixed(2)} against ${compared.theirs.toFixed(2)} us, ` +
      `rounds ${compared.rounds.map((ratio) => ratio.toFixed(2)).join(" ")}`,
  });
}

/** Void unless exactly the expected keys come, in order, with the ETag and size of their bodies. */
async function listAll(server: RunningServer, expected: readonly string[]): Promise<void> {
  const connection = await openConnection(server.host, server.port);
  const signer = createSigner(`${server.host}:${server.port}`, server);
  let at = 0;
  for await (const xml of listPages(connection, signer, { bucket: millionBucket, prefix: "", delimiter: "" })) {
    for (const [, key, etag, size] of xml.matchAll(
      /<Contents><Key>([^<]*)<.*?<ETag>&quot;([0-9a-f]*)&quot;<.*?<Size>(\d+)</g,
    )) {
      const wanted = expected[at++];
      const isRight = key === wanted && Number(size) === millionBodyBytes && etag === etagOf(key as string);
      voidUnless(isRight, `${wanted} was to come and ${key} came`);
    }
  }
  connection.close();
  voidUnless(at === expected.length, `${at} keys were listed`);
}

const etagOf = (key: string): string => createHash("md5").update(patternFor(key, millionBodyBytes)).digest("hex");

async function findEveryPrefix(server: RunningServer, expected: readonly string[]): Promise<void> {
  const waiting = [""];
  const found = new Set<string>();
  const before = cpuMicroseconds(server.pid);
  let keys = 0;
  const descend = async (connection: Connection, signer: Signer, prefix: string): Promise<void> => {
    for await (const xml of listPages(connection, signer, { bucket: millionBucket, prefix, delimiter: "/" })) {
      for (const [, below] of xml.matchAll(/<CommonPrefixes><Prefix>([^<]*)</g)) {
        voidUnless(!found.has(below as string), `${below} was listed twice`);
        found.add(below as string);
        waiting.push(below as string);
      }
      keys += xml.split("<Contents>").length - 1;
    }
  };
  await inLanes(server, waiting, descend);
  const cpu = cpuMicroseconds(server.pid) - before;
  const wanted = prefixesOf(expected);
  const isEvery = found.size === wanted.size && [...found].every((prefix) => wanted.has(prefix));
  voidUnless(isEvery && keys === expected.length, `${found.size} of ${wanted.size} prefixes, ${keys} keys`);
  report("LIST with delimiter=/, descending: prefixes found", (found.size / wanted.size) * 100, {
    asked: { atLeast: 100 },
    unit: " %",
    detail: `${found.size} prefixes and ${keys} keys below them, ${(cpu / found.size).toFixed(0)} us for each prefix`,
  });
}

/** Works off `waiting`, to which tasks add, until nothing waits and nobody works. */
async function inLanes(
  server: RunningServer,
  waiting: string[],
  task: (connection: Connection, signer: Signer, prefix: string) => Promise<void>,
): Promise<void> {
  const signer = createSigner(`${server.host}:${server.port}`, server);
  const lanes = Array.from({ length: prefixWalkers }, async () => openConnection(server.host, server.port));
  const idle = await Promise.all(lanes);
  const working = new Set<Promise<void>>();
  while (waiting.length > 0 || working.size > 0) {
    const connection = waiting.length > 0 ? idle.pop() : undefined;
    if (connection === undefined) {
      await Promise.race(working);
      continue;
    }
    const work: Promise<void> = task(connection, signer, waiting.pop() as string).then(() => {
      idle.push(connection);
      working.delete(work);
    });
    working.add(work);
  }
  for (const connection of idle) connection.close();
}
