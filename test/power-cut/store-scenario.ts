import { hash } from "node:crypto";
import {
  assert,
  ClusterFailure,
  createManualClock,
  createSeededRandom,
  sleep,
  type Clock,
  type Disk,
  type Random,
} from "@kakera/kernel";
import {
  createStoreMemory,
  formStore,
  hastyMaintenance,
  hasCertainlyNotHappened,
  mortalDisks,
  openStore,
  smallStore,
  startPumpedClock,
  type Ledger,
  type PowerCutRun,
  type PowerCutScenario,
  type Store,
  type StoreFormation,
  type StoreSettings,
} from "@kakera/simulator";

export interface StoreWork {
  readonly seed: number;
  readonly driveCount: number;
  /** Of the server's process; all but the last end by SIGKILL. */
  readonly lifeCount: number;
  readonly stepsPerLife: number;
  readonly settings?: Partial<StoreSettings>;
  /** How often an image is opened with as many drives absent as may be lost, other ones each time. */
  readonly absentShare: number;
  /** How often the maintenance loops run over an opened image before it is read again; they run in the lives when this is above 0. */
  readonly maintainedShare: number;
}

const clientCount = 5;
const keysPerClient = 3;
const bodyBytesMax = 14_000;
/** Of the world's time: garbage, orphans and census have had their turns. */
const maintainedMs = 60;

/**
 * The whole store of one machine under the power cut: objects in the journal, as copies, in segments and in files of their own; overwrites,
 * deletes and reads by several clients at once; checkpoints and recycled journal files, compacted segments; processes that are killed.
 */
export function storeScenario(work: StoreWork): PowerCutScenario {
  const settings = { ...smallStore, ...work.settings };
  const maintenance = work.maintainedShare > 0 ? hastyMaintenance : null;
  const memory = createStoreMemory();
  let formation: StoreFormation | null = null;
  const open: Open = ({ disks, random, clock }, upkeep) => {
    assert(formation !== null, "the store was formed");
    return openStore({ disks, formation, random, clock, memory }, { ...settings, maintenance: upkeep });
  };
  return {
    seed: work.seed,
    driveCount: work.driveCount,
    imagesPerPosition: 1,
    secondCutsPerImage: 1,
    prepare: async (disks) => {
      const components = { disks, random: createSeededRandom(work.seed), clock: createManualClock() };
      formation = await formStore(components, settings);
    },
    work: async (run) => {
      for (let life = 1; life <= work.lifeCount; life += 1) {
        const isLast = life === work.lifeCount;
        await liveOnce(run, open, { stepCount: work.stepsPerLife, end: isLast ? "close" : "kill", maintenance });
      }
    },
    examine: async (disks, random) => {
      const absentCount = random.fraction() < work.absentShare ? settings.geometry.m : 0;
      const present = without(disks, absentCount, random);
      if (random.fraction() < work.maintainedShare) return examineMaintained(present, random, open);
      const store = await open({ disks: present, random, clock: createManualClock() }, null);
      const seen = await readAll(store);
      await store.close();
      return seen;
    },
  };
}

type Upkeep = StoreSettings["maintenance"];
type Open = (
  parts: { disks: readonly (Disk | null)[]; random: Random; clock: Clock },
  upkeep: Upkeep,
) => Promise<Store>;

/** What nobody names goes, and nothing else. */
async function examineMaintained(
  disks: readonly (Disk | null)[],
  random: Random,
  open: Open,
): Promise<Map<string, string>> {
  const { clock, stop } = startPumpedClock();
  try {
    const store = await open({ disks, random, clock }, hastyMaintenance);
    const before = await readAll(store);
    await sleep(clock, maintainedMs);
    const after = await readAll(store);
    await store.close();
    assert(
      isSame(before, after),
      `maintenance changed what is read: ${JSON.stringify([...before])} to ${JSON.stringify([...after])}`,
    );
    return after;
  } finally {
    stop();
  }
}

function isSame(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): boolean {
  return before.size === after.size && [...before].every(([key, value]) => after.get(key) === value);
}

interface Life {
  readonly stepCount: number;
  readonly end: "close" | "kill";
  readonly maintenance: Upkeep;
}

/** One process: it starts, shows everything to somebody, serves its clients, and ends. */
async function liveOnce(run: PowerCutRun, open: Open, life: Life): Promise<void> {
  const process = mortalDisks(run.disks);
  const { clock, stop } = startPumpedClock();
  try {
    // A sync may fail while it recovers; then it does not start, and the next one tries.
    const store = await open({ disks: process.disks, random: run.random, clock }, life.maintenance).catch(() => null);
    if (store === null) return;
    const wrong = run.ledger.observe(await readAll(store));
    assert(wrong.length === 0, `after a kill: ${wrong.join("; ")}`);
    await serve(run, store, life);
    if (life.end === "close") await store.close();
  } finally {
    process.kill();
    await callsOutEnd();
    stop();
  }
}

/** Resolves when all clients together have begun so many calls; before a kill the last of them are still out. */
async function serve(run: PowerCutRun, store: Store, { stepCount, end }: Life): Promise<void> {
  let begunCount = 0;
  let enough = (): void => {};
  const allBegun = new Promise<void>((resolve) => (enough = resolve));
  const clients = Array.from({ length: clientCount }, async (_, client) => {
    while (begunCount < stepCount) {
      begunCount += 1;
      if (begunCount === stepCount && end === "kill") enough();
      await takeStep(run, store, client);
    }
  });
  await Promise.race([allBegun, Promise.all(clients)]);
}

async function takeStep({ ledger, random }: PowerCutRun, store: Store, client: number): Promise<void> {
  // Keys of its own, so that the order of a key's changes is known; and one that all of them fight for.
  const number = Math.floor(random.fraction() * (keysPerClient + 0.3));
  const key = number === keysPerClient ? "shared" : `client-${client}/object-${number}`;
  const drawn = random.fraction();
  if (drawn < 0.15 && key !== "shared") {
    return readOne(ledger, store, key);
  }
  const content = drawn < 0.35 ? null : contentOf(random);
  const intent = ledger.begin(key, content === null ? null : labelOf(content));
  try {
    await (content === null ? store.delete(key) : store.put(key, content));
  } catch (failure) {
    if (hasCertainlyNotHappened(failure)) ledger.refuse(intent);
    return;
  }
  ledger.acknowledge(intent);
}

/** What a client is shown must stay, as if it had been acknowledged. */
async function readOne(ledger: Ledger, store: Store, key: string): Promise<void> {
  let seen: string | null;
  try {
    seen = await labelAt(store, key);
  } catch (failure) {
    // A 503: a drive or the journal has just failed.
    if (failure instanceof ClusterFailure && failure.kind === "retry") return;
    throw failure;
  }
  const wrong = ledger.show(key, seen);
  assert(wrong.length === 0, `to a reader: ${wrong.join()}`);
}

/** A killed process is gone only when its calls have left the kernel; none takes longer than this. */
async function callsOutEnd(): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) await Promise.resolve();
}

async function readAll(store: Store): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  for (const key of await store.keys()) seen.set(key, (await labelAt(store, key)) ?? "listed and not found");
  return seen;
}

async function labelAt(store: Store, key: string): Promise<string | null> {
  const content = await store.read(key);
  return content === null ? null : labelOf(content);
}

function without(disks: readonly Disk[], count: number, random: Random): (Disk | null)[] {
  const present: (Disk | null)[] = [...disks];
  for (let nth = 0; nth < count; nth += 1) present[Math.floor(random.fraction() * disks.length)] = null;
  return present;
}

/** Inline, copied, in segments, in files of their own. */
function contentOf(random: Random): Buffer {
  return Buffer.from(random.bytes(Math.floor(random.fraction() ** 3 * bodyBytesMax)));
}

function labelOf(content: Uint8Array): string {
  return `${content.byteLength} bytes ${hash("sha1", content, "hex").slice(0, 8)}`;
}
