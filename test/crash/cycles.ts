import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSeededRandom, type Random } from "@kakera/kernel";
import { createS3Client, type S3Client } from "../harness/request.ts";
import { spawnServer, testCredentials, untilReady, type TestServer } from "../harness/server.ts";
import { createLedger, digest, type Held, type Ledger } from "./ledger.ts";
import { workUntilGone, type Worked } from "./workload.ts";

export interface CrashOptions {
  readonly cycleCount: number;
  readonly seed: number;
  /** Names at which the server kills itself; they take turns with kills at random moments. */
  readonly failpoints: readonly string[];
  readonly report: (line: string) => void;
}

export interface CrashReport {
  readonly cycleCount: number;
  readonly acknowledgedCount: number;
  readonly checkedCount: number;
  /** How often a cycle really ended at each failpoint. */
  readonly failpointHits: ReadonlyMap<string, number>;
  /** From spawn to ready, by cycle. */
  readonly recoveryMs: readonly number[];
  /** Broken promises, each with the cycle and the seed that show it. */
  readonly violations: readonly string[];
}

const bucket = "crash";
const workerCount = 6;
const keysPerWorker = 8;
/** Small files, so that every cycle recycles, seals, compacts and checkpoints. */
const testSettings = JSON.stringify({
  minPartBytes: 0,
  segmentSizeBytes: 2 << 20,
  journalFileBytes: 256 << 10,
  checkpointBytesMin: 256 << 10,
  maintenanceIntervalMs: 200,
});

/** Starts a server, works, kills it, starts it again on the same drives, checks every key; again and again. */
export async function runCrashCycles(options: CrashOptions): Promise<CrashReport> {
  const directory = mkdtempSync(join(tmpdir(), "kakera-crash-"));
  const random = createSeededRandom(options.seed);
  const ledger = createLedger();
  const failpointHits = new Map(options.failpoints.map((name) => [name, 0]));
  const recoveryMs: number[] = [];
  const violations: string[] = [];
  let acknowledgedCount = 0;
  let checkedCount = 0;
  try {
    for (let cycle = 0; cycle < options.cycleCount; cycle++) {
      const failpoint = chooseFailpoint(options.failpoints, failpointHits, cycle);
      const env: Record<string, string> = { KAKERA_TEST_SETTINGS: testSettings };
      if (failpoint !== null) env.KAKERA_TEST_FAILPOINT = `${failpoint}:${hitToDieAt(failpoint, random)}`;
      const startedMs = performance.now();
      const server = await spawnServer({ directory, env });
      const client = createS3Client(server.endpoint, testCredentials);
      try {
        const isUp = await becameReady(server);
        if (isUp) {
          recoveryMs.push(performance.now() - startedMs);
          const found = await checkAll({ client, ledger, cycle });
          violations.push(...found.violations);
          checkedCount += found.checkedCount;
          const worked = await work({ server, client, ledger, random, atRandomMoment: failpoint === null });
          acknowledgedCount += worked.acknowledgedCount;
          violations.push(...worked.unexpected.map((text) => `cycle ${cycle}: ${text}`));
        }
        await server.kill();
        if (failpoint !== null && server.output().includes(`failpoint ${failpoint}`)) {
          failpointHits.set(failpoint, (failpointHits.get(failpoint) ?? 0) + 1);
        } else if (!isUp && !server.output().includes("failpoint ")) {
          violations.push(`cycle ${cycle}: the server did not come up:\n${server.output().slice(-3000)}`);
        }
      } finally {
        client.close();
        await server.kill();
      }
      if (violations.length > 0) break;
      if (cycle % 10 === 9)
        options.report(
          `cycle ${cycle + 1} of ${options.cycleCount}: ${acknowledgedCount} acknowledged, ${checkedCount} checked`,
        );
    }
    if (violations.length === 0) {
      const server = await spawnServer({ directory, env: { KAKERA_TEST_SETTINGS: testSettings } });
      const client = createS3Client(server.endpoint, testCredentials);
      await untilReady(server);
      const found = await checkAll({ client, ledger, cycle: options.cycleCount });
      violations.push(...found.violations);
      checkedCount += found.checkedCount;
      client.close();
      const code = await server.stop();
      if (code !== 0) violations.push(`the last server ended with ${code}:\n${server.output().slice(-2000)}`);
    }
  } finally {
    if (violations.length === 0) rmSync(directory, { recursive: true, force: true });
    else options.report(`the drives are kept in ${directory}`);
  }
  return { cycleCount: options.cycleCount, acknowledgedCount, checkedCount, failpointHits, recoveryMs, violations };
}

/** What happens once in a start has only a first time; the others die at one of their first few. */
function hitToDieAt(failpoint: string, random: Random): number {
  const isOfTheStart = /^(recovery|identity)\./.test(failpoint);
  return isOfTheStart ? 1 : 1 + Math.floor(random.fraction() * 4);
}

/** Three of four cycles go to the failpoint that was hit least; the others die at a random moment. */
function chooseFailpoint(names: readonly string[], hits: ReadonlyMap<string, number>, cycle: number): string | null {
  if (names.length === 0 || cycle % 4 === 3) return null;
  const fewest = Math.min(...names.map((name) => hits.get(name) ?? 0));
  const candidates = names.filter((name) => hits.get(name) === fewest);
  return candidates[cycle % candidates.length] as string;
}

async function becameReady(server: TestServer): Promise<boolean> {
  try {
    await untilReady(server);
    return true;
  } catch {
    return false;
  }
}

async function work(given: {
  server: TestServer;
  client: S3Client;
  ledger: Ledger;
  random: Random;
  atRandomMoment: boolean;
}): Promise<Worked> {
  const { server, client, ledger, random } = given;
  await client.send({ method: "PUT", target: `/${bucket}` }).catch(() => null);
  const afterMs = given.atRandomMoment ? 50 + random.fraction() * 1200 : 4000;
  const timer = setTimeout(() => void server.kill(), afterMs);
  const worked = await workUntilGone({ client, bucket, ledger, random, workerCount, keysPerWorker });
  clearTimeout(timer);
  return worked;
}

/** Reads every key: each must hold one of its possible values, which is then the one that it must keep. Twice the same. */
async function checkAll(given: {
  client: S3Client;
  ledger: Ledger;
  cycle: number;
}): Promise<{ violations: string[]; checkedCount: number }> {
  const { client, ledger, cycle } = given;
  const violations: string[] = [];
  const present = new Set<string>();
  let checkedCount = 0;
  for (const key of ledger.keys()) {
    const possible = ledger.possible(key);
    let value: Held;
    try {
      value = await readValue(client, key);
    } catch (error) {
      // A failpoint may end the server while it is being checked: nothing was learnt about this key.
      if (error instanceof UnexpectedStatus) violations.push(`cycle ${cycle}: ${key}: ${error.message}`);
      return { violations, checkedCount };
    }
    checkedCount++;
    if (!possible.has(value))
      violations.push(`cycle ${cycle}: ${key} holds ${value}, may hold ${[...possible].join(" or ")}`);
    ledger.settle(key, value);
    if (value !== null) present.add(key);
  }
  const listed = await listKeys(client).catch(() => null);
  if (listed !== null && checkedCount > 0) {
    const surplus = listed.filter((key) => !present.has(key));
    const missing = [...present].filter((key) => !listed.includes(key));
    if (surplus.length + missing.length > 0)
      violations.push(
        `cycle ${cycle}: LIST shows too much (${surplus.join(", ")}) or too little (${missing.join(", ")})`,
      );
  }
  return { violations, checkedCount };
}

class UnexpectedStatus extends Error {}

async function readValue(client: S3Client, key: string): Promise<Held> {
  const answer = await client.send({ method: "GET", target: `/${bucket}/${key}` });
  if (answer.status === 200) return digest(answer.body);
  if (answer.status === 404) return null;
  throw new UnexpectedStatus(`GET answered ${answer.status} ${answer.body.toString()}`);
}

async function listKeys(client: S3Client): Promise<string[]> {
  const answer = await client.send({ method: "GET", target: `/${bucket}?list-type=2` });
  if (answer.status !== 200) throw new Error(`LIST answered ${answer.status}`);
  return [...answer.body.toString().matchAll(/<Contents><Key>([^<]*)</g)].map((match) => match[1] as string);
}
