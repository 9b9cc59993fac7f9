import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openConnection } from "@kakera/load";
import { cpuMicroseconds } from "../load/cpu.ts";
import { deleteKeys } from "../load/delete-keys.ts";
import { listPages } from "../load/list-keys.ts";
import { millionBucket, openMillion } from "../load/million.ts";
import { milvusKeys } from "../load/milvus-keys.ts";
import { compareInTurn, median } from "../load/rounds.ts";
import { runBeside } from "../load/run-beside.ts";
import { startKakera, type RunningServer } from "../load/servers.ts";
import { createSigner } from "../load/signer.ts";
import { untilIdle } from "../load/until-idle.ts";
import { report, voidUnless } from "../load/verdict.ts";
import type { RunPlan } from "./row.ts";

const keysPerRequest = 1000;
/** Those first of each measurement do not count, here and in view-removals.ts. */
const warmUpKeys = 5 * keysPerRequest;
const concurrency = 4;

/**
 * DeleteObjects of a million keys against the same removals in copies of the view. Each measurement removes the next slice of the
 * keys, two in each round, so that after the last one nothing is left.
 */
export async function deleteObjects(plan: RunPlan): Promise<void> {
  const million = await openMillion(plan.millionDirectory, plan.objectCount);
  const work = mkdtempSync(join(tmpdir(), "kakera-bench-delete-"));
  try {
    const directory = join(work, "data");
    cpSync(million.directory, directory, { recursive: true, preserveTimestamps: true });
    million.discard();
    const views = { view: join(work, "view"), lmdb: join(work, "lmdb") };
    for (const copy of Object.values(views))
      cpSync(join(directory, "drive1", ".kakera", "state", "view"), copy, { recursive: true });
    const server = await startKakera({ directory });
    try {
      await untilIdle(server.pid);
      await compareRemovals(server, views, { count: million.count, roundCount: plan.roundCount });
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function compareRemovals(
  server: RunningServer,
  views: { readonly view: string; readonly lmdb: string },
  { count, roundCount }: { readonly count: number; readonly roundCount: number },
): Promise<void> {
  const keys = milvusKeys(count);
  const sliceKeys = Math.ceil(count / (2 * roundCount));
  const takeSlices = (): (() => [number, number]) => {
    let first = 0;
    return () => [first, (first = Math.min(first + sliceKeys, count))];
  };
  const [nextOfServer, nextOfView, nextOfLmdb] = [takeSlices(), takeSlices(), takeSlices()];
  const removeFrom = async (kind: "view" | "lmdb", [first, last]: [number, number]): Promise<number> => {
    const removed = await runBeside<{ keys: number; cpuMicroseconds: number }>(
      "view-removals.ts",
      kind,
      views[kind],
      ...[count, first, last].map(String),
    );
    return removed.cpuMicroseconds / removed.keys;
  };
  const barest: number[] = [];
  const compared = await compareInTurn(
    roundCount,
    () => deleteSlice(server, keys.slice(...nextOfServer())),
    async () => {
      const cost = await removeFrom("view", nextOfView());
      barest.push(await removeFrom("lmdb", nextOfLmdb()));
      return cost;
    },
  );
  await seeNothingLeft(server);
  report(`DeleteObjects of ${count} keys, 1000 a request, for each key`, compared.ratio, {
    asked: { atMost: 4 },
    unit: "x view alone",
    detail:
      `${compared.ours.toFixed(1)} against ${compared.theirs.toFixed(1)} us (bare removeSync ${median(barest).toFixed(1)}), ` +
      `rounds ${compared.rounds.map((ratio) => ratio.toFixed(2)).join(" ")}`,
  });
}

/** Server CPU for each key. */
async function deleteSlice(server: RunningServer, keys: readonly string[]): Promise<number> {
  await deleteAll(server, keys.slice(0, warmUpKeys));
  const before = cpuMicroseconds(server.pid);
  await deleteAll(server, keys.slice(warmUpKeys));
  return (cpuMicroseconds(server.pid) - before) / (keys.length - warmUpKeys);
}

async function deleteAll(server: RunningServer, keys: readonly string[]): Promise<void> {
  const signer = createSigner(`${server.host}:${server.port}`, server);
  let next = 0;
  const lanes = Array.from({ length: concurrency }, async () => {
    const connection = await openConnection(server.host, server.port);
    while (next < keys.length) {
      const first = next;
      next += keysPerRequest;
      await deleteKeys(connection, signer, { bucket: millionBucket, keys: keys.slice(first, next) });
    }
    connection.close();
  });
  await Promise.all(lanes);
}

async function seeNothingLeft(server: RunningServer): Promise<void> {
  const connection = await openConnection(server.host, server.port);
  const signer = createSigner(`${server.host}:${server.port}`, server);
  for await (const xml of listPages(connection, signer, { bucket: millionBucket, prefix: "", delimiter: "" }))
    voidUnless(!xml.includes("<Contents>"), "a deleted key is still listed");
  connection.close();
}
