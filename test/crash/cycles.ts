import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSeededRandom, type Random } from "@kakera/kernel";
import { createS3Client, type S3Client } from "../harness/request.ts";
import { spawnServer, testCredentials, untilReady, type TestServer } from "../harness/server.ts";
import { loseAndReplaceDrive, mendDrive } from "./drive-loss.ts";
import { createLedger, digest, type Held, type Ledger } from "./ledger.ts";
import { bucketHeld, bucketOfKey, workUntilGone, type Worked } from "./workload.ts";

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
  /** Changes that were answered with 503 while no drive was away. */
  readonly unavailableCount: number;
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
const replacedWithinMs = 60_000;
const readWithinMs = 60_000;
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
  const run = new CrashRun(options, directory);
  try {
    for (let cycle = 0; cycle < options.cycleCount && run.violations.length === 0; cycle++) {
      await run.cycle(cycle);
      if (cycle % 10 === 9) options.report(`cycle ${cycle + 1} of ${options.cycleCount}: ${run.progress}`);
    }
    if (run.violations.length === 0) await run.end(options.cycleCount);
  } finally {
    if (run.violations.length === 0) rmSync(directory, { recursive: true, force: true });
    else options.report(`the drives are kept in ${directory}`);
  }
  return run.report;
}

class CrashRun {
  readonly violations: string[] = [];
  readonly #options: CrashOptions;
  readonly #directory: string;
  readonly #random: Random;
  readonly #ledger = createLedger();
  readonly #failpointHits: Map<string, number>;
  readonly #recoveryMs: number[] = [];
  #acknowledgedCount = 0;
  #checkedCount = 0;
  #unavailableCount = 0;

  constructor(options: CrashOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
    this.#random = createSeededRandom(options.seed);
    this.#failpointHits = new Map(options.failpoints.map((name) => [name, 0]));
  }

  get progress(): string {
    return `${this.#acknowledgedCount} acknowledged, ${this.#checkedCount} checked`;
  }

  get report(): CrashReport {
    return {
      cycleCount: this.#options.cycleCount,
      acknowledgedCount: this.#acknowledgedCount,
      checkedCount: this.#checkedCount,
      unavailableCount: this.#unavailableCount,
      failpointHits: this.#failpointHits,
      recoveryMs: this.#recoveryMs,
      violations: this.violations,
    };
  }

  /** One life of the server that ends at a failpoint or at a random moment; a second one where a drive was lost in it. */
  async cycle(cycle: number): Promise<void> {
    const failpoint = chooseFailpoint(this.#options.failpoints, this.#failpointHits, cycle);
    await this.#live(cycle, failpoint, losesDrive(failpoint) ? "a drive is lost" : "as ever");
    // The next loss comes when every chunk is whole again: more at once than the geometry bears prove nothing.
    if (losesDrive(failpoint) && this.violations.length === 0) await this.#live(cycle, null, "the drive is replaced");
  }

  /** A last start, check and end in good order. */
  async end(cycle: number): Promise<void> {
    const server = await spawnServer({
      directory: this.#directory,
      env: { KAKERA_TEST_SETTINGS: testSettings },
    });
    const client = createS3Client(server.endpoint, testCredentials);
    await untilReady(server);
    await this.#check(client, cycle);
    client.close();
    const code = await server.stop();
    if (code !== 0) this.violations.push(`the last server ended with ${code}:\n${server.output().slice(-2000)}`);
  }

  async #live(cycle: number, failpoint: string | null, story: Story): Promise<void> {
    const env: Record<string, string> = { KAKERA_TEST_SETTINGS: testSettings };
    if (failpoint !== null) env.KAKERA_TEST_FAILPOINT = `${failpoint}:${hitToDieAt(failpoint, this.#random)}`;
    const startedMs = performance.now();
    const server = await spawnServer({ directory: this.#directory, env, processes: processesIn(cycle) });
    const client = createS3Client(server.endpoint, testCredentials);
    try {
      const isUp = await becameReady(server);
      if (isUp) {
        this.#recoveryMs.push(performance.now() - startedMs);
        await this.#check(client, cycle);
        if (story === "the drive is replaced") await mendDrive(client, this.#directory);
        const worked = await this.#work({ server, client, story, atRandomMoment: failpoint === null });
        this.#acknowledgedCount += worked.acknowledgedCount;
        // While the journal is opened again without the drive that went, 503 is the truth.
        if (story !== "a drive is lost") this.#unavailableCount += worked.unavailableCount;
        this.violations.push(...worked.unexpected.map((text) => `cycle ${cycle}: ${text}`));
      }
      await server.kill();
      if (failpoint !== null && server.output().includes(`failpoint ${failpoint}`)) {
        this.#failpointHits.set(failpoint, (this.#failpointHits.get(failpoint) ?? 0) + 1);
      } else if (!isUp && !server.output().includes("failpoint ")) {
        this.violations.push(`cycle ${cycle}: the server did not come up:\n${server.output().slice(-3000)}`);
      }
    } catch (error) {
      this.violations.push(`cycle ${cycle}: ${String(error)}\n${server.output().slice(-3000)}`);
    } finally {
      client.close();
      await server.kill();
    }
  }

  async #check(client: S3Client, cycle: number): Promise<void> {
    const found = await checkAll({ client, ledger: this.#ledger, cycle });
    this.violations.push(...found.violations);
    this.#checkedCount += found.checkedCount;
  }

  async #work(life: { server: TestServer; client: S3Client; story: Story; atRandomMoment: boolean }): Promise<Worked> {
    const { server, client, story } = life;
    const random = this.#random;
    await client.send({ method: "PUT", target: `/${bucket}` }).catch(() => null);
    const isLosing = story === "a drive is lost";
    const failpointMs = isLosing ? replacedWithinMs : 4000;
    const afterMs = life.atRandomMoment ? 50 + random.fraction() * 1200 : failpointMs;
    const timer = setTimeout(() => void server.kill(), afterMs);
    // It dies on the way, and what it was asked for breaks off.
    if (isLosing) void loseAndReplaceDrive(client, this.#directory).catch(() => {});
    const worked = await workUntilGone({
      client,
      bucket,
      ledger: this.#ledger,
      random,
      workerCount,
      keysPerWorker,
    });
    clearTimeout(timer);
    return worked;
  }
}

/** Of 48 cycles six, a kill at a random moment among them, over two processes of which the one that owns the log dies; they start slowly. */
const processesIn = (cycle: number): number => (Math.floor(cycle / 6) % 8 === 1 ? 2 : 1);

type Story = "as ever" | "a drive is lost" | "the drive is replaced";

const losesDrive = (failpoint: string | null): boolean => failpoint?.startsWith("replace-drive.") === true;

/** What happens once in a life has only a first time; the others die at one of their first few. */
function hitToDieAt(failpoint: string, random: Random): number {
  const isOnlyOnce = /^(recovery|identity|replace-drive)\./.test(failpoint);
  return isOnlyOnce ? 1 : 1 + Math.floor(random.fraction() * 4);
}

/** Five of six cycles go to the failpoint that was hit least; the others die at a random moment. */
function chooseFailpoint(names: readonly string[], hits: ReadonlyMap<string, number>, cycle: number): string | null {
  if (names.length === 0 || cycle % 6 === 5) return null;
  // A cycle that loses a drive takes as long as ten others: those are chosen last.
  const rank = (name: string): number => (hits.get(name) ?? 0) + (losesDrive(name) ? 0.5 : 0);
  const fewest = Math.min(...names.map(rank));
  const candidates = names.filter((name) => rank(name) === fewest);
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
    if (value !== null && bucketOfKey(key) === null) present.add(key);
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

class UnexpectedStatus extends Error {
  readonly status: number;

  constructor(method: string, status: number, text = "") {
    super(`${method} answered ${status} ${text}`);
    this.status = status;
  }
}

/** 503 says nothing of the key: it is asked for again, as a client does. */
async function readValue(client: S3Client, key: string): Promise<Held> {
  for (const sinceMs = performance.now(); ;) {
    try {
      return await readValueOnce(client, key);
    } catch (error) {
      const isUnavailable = error instanceof UnexpectedStatus && error.status === 503;
      if (!isUnavailable || performance.now() - sinceMs > readWithinMs) throw error;
    }
  }
}

async function readValueOnce(client: S3Client, key: string): Promise<Held> {
  const name = bucketOfKey(key);
  if (name !== null) {
    const { status } = await client.send({ method: "HEAD", target: `/${name}` });
    if (status === 200 || status === 404) return status === 200 ? bucketHeld : null;
    throw new UnexpectedStatus("HEAD", status);
  }
  const answer = await client.send({ method: "GET", target: `/${bucket}/${key}` });
  if (answer.status === 200) return digest(answer.body);
  if (answer.status === 404) return null;
  throw new UnexpectedStatus("GET", answer.status, answer.body.toString());
}

async function listKeys(client: S3Client): Promise<string[]> {
  const answer = await client.send({ method: "GET", target: `/${bucket}?list-type=2` });
  if (answer.status !== 200) throw new Error(`LIST answered ${answer.status}`);
  return [...answer.body.toString().matchAll(/<Contents><Key>([^<]*)</g)].map((match) => match[1] as string);
}
