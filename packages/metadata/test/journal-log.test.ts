import { describe, expect, test } from "vitest";
import { createMemoryDisk, faultyDisk, type DiskCall, type DiskFault } from "@kakera/disk";
import { createSeededRandom, newId, type ClusterFailure, type Disk, type DriveId } from "@kakera/kernel";
import {
  createMemoryView,
  failpointNames,
  UnknownOutcome,
  type Change,
  type JournalLog,
  type LogWitness,
  type WritableView,
} from "../src/index.ts";
import { JournalDrives } from "./journal-drives.ts";

const random = createSeededRandom(9);
const key = (name: string): Buffer => Buffer.from(`P${name}`);

function put(name: string, value: string | Buffer = name, purpose: Change["purpose"] = "write"): Change {
  return {
    id: newId("change", random),
    purpose,
    compares: [],
    puts: [{ key: key(name), value: Buffer.from(value as string) }],
    deletes: [],
  };
}

function remove(name: string): Change {
  return { id: newId("change", random), purpose: "free", compares: [], puts: [], deletes: [key(name)] };
}

const has = (log: JournalLog, name: string): boolean => log.view.get(key(name)) !== null;
const failureOf = (work: Promise<unknown>): Promise<ClusterFailure | null> =>
  work.then(
    () => null,
    (error: ClusterFailure) => error,
  );

/** Puts a fault in front of one drive, which a test can change while the journal runs. */
class Faults {
  script: (call: DiskCall) => DiskFault | null = () => null;

  constructor(drives: JournalDrives, index: number) {
    drives.disks[index] = faultyDisk(drives.disks[index] as Disk, (call) => this.script(call));
  }

  failWrites(code = "EIO"): void {
    this.script = (call) => (call.operation === "write" ? { kind: "fail", code } : null);
  }

  /** Writes wait until the returned function is called. */
  hangWrites(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.script = (call) => (call.operation === "write" ? { kind: "hang", until: promise } : null);
    return () => {
      this.script = () => null;
      resolve();
    };
  }
}

/** Lets everything run that waits for nothing but memory disks. */
/** A batch that is formed takes off. */
async function turnEnd(): Promise<void> {
  await Promise.resolve();
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
}

/** Whether one drive alone holds what was acknowledged: its journal, opened as if it were all of a cluster's. */
async function valuesOn(drives: JournalDrives, index: number): Promise<Map<string, string>> {
  const alone = new JournalDrives(1, 0);
  Object.assign(alone, {
    clusterId: drives.clusterId,
    driveIds: [drives.driveIds[index]],
    disks: [drives.disks[index]],
  });
  const view = createMemoryView();
  const log = await alone.open({ view, start: "open" });
  await log.close();
  return new Map(
    view.range(key(""), key("\u007f"), 10_000).map((entry) => [entry.key.toString().slice(1), entry.value.toString()]),
  );
}

describe("acknowledgement", () => {
  test("does not wait for the slowest of three drives, which gets the batches all the same", async () => {
    const drives = new JournalDrives(3, 1);
    const faults = new Faults(drives, 2);
    const log = await drives.open();
    const release = faults.hangWrites();
    for (const name of ["a", "b", "c"]) expect((await log.commit(put(name))).outcome).toBe("committed");
    expect(log.members().map((member) => member.durableSequence)).toEqual([4, 4, 1]);
    release();
    await settle();
    expect(log.members().map((member) => member.durableSequence)).toEqual([4, 4, 4]);
    await log.close();
    expect(await valuesOn(drives, 2)).toEqual(
      new Map([
        ["a", "a"],
        ["b", "b"],
        ["c", "c"],
      ]),
    );
  });

  test("waits for two of two", async () => {
    const drives = new JournalDrives(2, 1);
    const faults = new Faults(drives, 1);
    const log = await drives.open();
    const release = faults.hangWrites();
    let isAnswered = false;
    const commit = log.commit(put("a")).then(() => (isAnswered = true));
    await settle();
    expect([isAnswered, has(log, "a")]).toEqual([false, false]);
    release();
    await commit;
    expect(has(log, "a")).toBe(true);
    await log.close();
  });

  test("a refusal waits until what it saw is durable", async () => {
    const drives = new JournalDrives(1, 0);
    const faults = new Faults(drives, 0);
    const log = await drives.open();
    const release = faults.hangWrites();
    const order: string[] = [];
    const winner = log
      .commit({ ...put("a"), compares: [{ key: key("a"), revision: 0 }] })
      .then(() => order.push("winner"));
    const loser = log
      .commit({ ...put("a"), compares: [{ key: key("a"), revision: 0 }] })
      .then((result) => order.push(result.outcome));
    await settle();
    expect(order).toEqual([]);
    release();
    await Promise.all([winner, loser]);
    expect(order).toEqual(["winner", "refused"]);
    await log.close();
  });

  test("what arrives while a batch flies travels in one batch", async () => {
    const drives = new JournalDrives(1, 0);
    const faults = new Faults(drives, 0);
    const log = await drives.open();
    const release = faults.hangWrites();
    const first = log.commit(put("first"));
    await settle();
    const commits = Array.from({ length: 50 }, (_, i) => log.commit(put(`k${i}`)));
    release();
    await Promise.all([first, ...commits]);
    expect(log.members()[0]?.durableSequence).toBe(3);
    await log.close();
  });

  test("what arrives in one turn travels in one batch, though nothing flies", async () => {
    const drives = new JournalDrives(1, 0);
    const log = await drives.open();
    await Promise.all(Array.from({ length: 50 }, (_, i) => log.commit(put(`k${i}`))));
    expect(log.members()[0]?.durableSequence).toBe(2);
    await log.close();
  });
});

describe("a drive that fails", () => {
  test("is out, and the others go on while they are enough", async () => {
    const drives = new JournalDrives(3, 1);
    const faults = new Faults(drives, 0);
    const log = await drives.open();
    faults.failWrites();
    await log.commit(put("a"));
    await log.commit(put("b"));
    expect(log.members().map((member) => member.condition)).toEqual(["failed", "live", "live"]);
    expect(log.status()).toMatchObject({ canWrite: true, membersReachable: 2, membersNeeded: 2 });
    await log.close();
  });

  test("leaves the outcome unknown when too few drives have the batch, and nothing follows it", async () => {
    const drives = new JournalDrives(2, 1);
    const faults = new Faults(drives, 1);
    const log = await drives.open();
    await log.commit(put("before"));
    faults.failWrites();
    const first = failureOf(log.commit(put("a")));
    await turnEnd();
    const failures = await Promise.all([first, failureOf(log.commit(put("b")))]);
    expect(failures[0]).toBeInstanceOf(UnknownOutcome);
    // It was formed behind the batch that failed and never sent.
    expect(failures[1]).not.toBeInstanceOf(UnknownOutcome);
    expect(failures[1]).toMatchObject({ kind: "retry", reason: "LOG_UNREACHABLE" });
    expect(await failureOf(log.commit(put("c")))).toMatchObject({ kind: "retry", reason: "LOG_UNREACHABLE" });
    expect(log.status().canWrite).toBe(false);
    await log.barrier();
    expect([has(log, "before"), has(log, "a"), has(log, "b")]).toEqual([true, false, false]);
    await log.close();
  });

  test("comes back, and the batch whose outcome was unknown has happened when a drive has it", async () => {
    const drives = new JournalDrives(2, 1);
    const faults = new Faults(drives, 1);
    const log = await drives.open();
    faults.failWrites();
    expect(await failureOf(log.commit(put("a")))).toBeInstanceOf(UnknownOutcome);
    const { term } = log.status();
    faults.script = () => null;
    await log.rejoin(drives.place(1));
    expect(log.status()).toMatchObject({ canWrite: true, term: term + 1 });
    expect(has(log, "a")).toBe(true);
    await log.commit(put("c"));
    await log.close();
    expect([...(await valuesOn(drives, 1)).keys()]).toEqual(["a", "c"]);
  });

  test("comes back alone of one: the batch has happened only if its bytes are there", async () => {
    for (const fault of [
      { kind: "fail", code: "EIO" },
      { kind: "fail-after", code: "EIO" },
    ] as const) {
      const drives = new JournalDrives(1, 0);
      const faults = new Faults(drives, 0);
      const log = await drives.open();
      faults.script = (call) => (call.operation === "write" ? fault : null);
      expect(await failureOf(log.commit(put("a")))).toBeInstanceOf(UnknownOutcome);
      faults.script = () => null;
      await log.rejoin(drives.place(0));
      expect(has(log, "a")).toBe(fault.kind === "fail-after");
      await log.commit(put("b"));
      await log.close();
      expect((await valuesOn(drives, 0)).has("b")).toBe(true);
    }
  });

  test("is told of while the journal waits, so that it can be tried again", async () => {
    const drives = new JournalDrives(2, 1);
    const faults = new Faults(drives, 1);
    const log = await drives.open();
    await log.commit(put("a"));
    faults.script = () => ({ kind: "fail", code: "EIO" });
    expect(await failureOf(log.commit(put("b")))).toBeInstanceOf(UnknownOutcome);
    await log.rejoin(drives.place(1));
    expect(log.status()).toMatchObject({ canWrite: false, membersReachable: 1, membersNeeded: 2 });
    expect(log.members().map((member) => [member.driveId, member.condition])).toEqual([
      [drives.driveIds[0], "joining"],
      [drives.driveIds[1], "failed"],
    ]);
    expect(log.members()[1]?.failure).toMatchObject({ code: "EIO" });
    await log.barrier();
    expect(has(log, "a")).toBe(true);
    expect(log.witness()?.sequence).toBe(2);
    faults.script = () => null;
    await log.rejoin(drives.place(1));
    expect(log.status().canWrite).toBe(true);
    await log.close();
  });

  test("never uses the file that failed again, under whatever name", async () => {
    const drives = new JournalDrives(2, 1);
    const faults = new Faults(drives, 1);
    const log = await drives.open();
    let failedPath = "";
    faults.script = (call) => {
      if (call.operation !== "write" || !call.path.includes("batches-")) return null;
      failedPath = call.path;
      return { kind: "fail-after", code: "EIO" };
    };
    await failureOf(log.commit(put("a")));
    const calls = new Set<string>();
    faults.script = ({ operation, path }) => {
      if (path === failedPath) calls.add(operation);
      return null;
    };
    await log.rejoin(drives.place(1));
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 12; i++) await log.commit(put(`k${i}`, "x".repeat(9000)));
      await log.checkpoint();
    }
    expect(failedPath).toContain("batches-");
    expect([calls.has("write"), calls.has("rename"), calls.has("unlink")]).toEqual([false, false, true]);
    await log.close();
  });

  test("with too few drives and nothing in flight a change has certainly not happened", async () => {
    const drives = new JournalDrives(3, 1);
    const [first, second] = [new Faults(drives, 0), new Faults(drives, 1)];
    const log = await drives.open();
    first.failWrites();
    await log.commit(put("a"));
    second.failWrites();
    expect(await failureOf(log.commit(put("b")))).toBeInstanceOf(UnknownOutcome);
    const failure = await failureOf(log.commit(put("c")));
    expect(failure).toMatchObject({ kind: "retry", reason: "LOG_UNREACHABLE" });
    expect(failure).not.toBeInstanceOf(UnknownOutcome);
    await log.close();
  });

  test("returns while a batch is in flight that the others do not have yet, and gets it too", async () => {
    const drives = new JournalDrives(3, 1);
    const faults = [0, 1, 2].map((index) => new Faults(drives, index));
    const log = await drives.open();
    faults[2]?.failWrites();
    await log.commit(put("before"));
    (faults[2] as Faults).script = () => null;
    const releases = [faults[0]?.hangWrites(), faults[1]?.hangWrites()];
    const flying = log.commit(put("flying"));
    await log.rejoin(drives.place(2));
    for (const release of releases) release?.();
    await flying;
    await log.commit(put("after"));
    await settle();
    await log.close();
    expect([...(await valuesOn(drives, 2)).keys()].sort()).toEqual(["after", "before", "flying"]);
  });

  test("returns while writes go on, and is whole then", async () => {
    const drives = new JournalDrives(3, 1);
    const faults = new Faults(drives, 2);
    const log = await drives.open();
    await log.commit(put("before"));
    faults.failWrites();
    for (let i = 0; i < 10; i++) await log.commit(put(`away${i}`, "x".repeat(2000)));
    faults.script = () => null;
    const writes = Array.from({ length: 20 }, (_, i) => log.commit(put(`during${i}`, "y".repeat(1000))));
    await Promise.all([log.rejoin(drives.place(2)), ...writes]);
    await log.commit(put("after"));
    await settle();
    expect(log.members().map((member) => member.condition)).toEqual(["live", "live", "live"]);
    await log.close();
    expect((await valuesOn(drives, 2)).size).toBe(32);
  });
});

describe("a drive that is slow", () => {
  test("is let go when its backlog is full, and comes back by itself", async () => {
    const drives = new JournalDrives(3, 1);
    const faults = new Faults(drives, 2);
    const log = await drives.open();
    const release = faults.hangWrites();
    for (let i = 0; i < 30; i++) await log.commit(put(`k${i}`, "x".repeat(5000)));
    expect(log.members()[2]?.condition).toBe("lagging");
    release();
    await settle();
    for (let i = 0; i < 50 && log.members()[2]?.condition !== "live"; i++) await settle();
    expect(log.members()[2]?.condition).toBe("live");
    await log.commit(put("last"));
    await settle();
    await log.close();
    const values = await valuesOn(drives, 2);
    expect(values.size).toBe((await valuesOn(drives, 0)).size);
    expect(values.has("last")).toBe(true);
  });
});

describe("a drive that was slow for so long that the others gave up what it lacks", () => {
  test("gets a checkpoint", async () => {
    const drives = new JournalDrives(3, 1);
    const faults = new Faults(drives, 2);
    const log = await drives.open();
    await log.commit(put("first"));
    const release = faults.hangWrites();
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 30; i++) await log.commit(put(`k${i}`, `${round}`.padEnd(5000, "x")));
      await log.checkpoint();
    }
    expect(log.members()[2]?.condition).toBe("lagging");
    release();
    for (let i = 0; i < 50 && log.status().membersReachable < 3; i++) await settle();
    expect(log.members().map((member) => member.condition)).toEqual(["live", "live", "live"]);
    await log.commit(put("last"));
    await settle();
    await log.close();
    expect((await valuesOn(drives, 2)).size).toBe(32);
  });
});

describe("a start", () => {
  async function filled(driveCount: number, tolerance: number): Promise<JournalDrives> {
    const drives = new JournalDrives(driveCount, tolerance);
    const log = await drives.open();
    for (let i = 0; i < 6; i++) await log.commit(put(`k${i}`));
    await log.close();
    return drives;
  }

  test("needs as many drives as leave no acknowledged batch out", async () => {
    const drives = await filled(4, 2);
    expect(await failureOf(drives.open({ start: "open", present: [0] }))).toMatchObject({
      kind: "retry",
      reason: "QUORUM_LOST",
    });
    const log = await drives.open({ start: "open", present: [1, 2, 3] });
    expect(log.status().canWrite).toBe(true);
    expect(has(log, "k5")).toBe(true);
    await log.close();
  });

  test("takes no change before enough drives have what it recovered", async () => {
    const drives = await filled(4, 2);
    const log = await drives.open({ start: "open", present: [0, 1] });
    expect(log.status()).toMatchObject({ canWrite: false, membersNeeded: 3 });
    expect(await failureOf(log.commit(put("a")))).toMatchObject({ kind: "retry", reason: "LOG_UNREACHABLE" });
    await log.rejoin(drives.place(3));
    await log.barrier();
    expect(has(log, "k5")).toBe(true);
    expect((await log.commit(put("a"))).outcome).toBe("committed");
    await log.close();
  });

  test("without any journal is refused, unless one is to be formed, and forming needs every drive", async () => {
    const drives = new JournalDrives(3, 1);
    expect(await failureOf(drives.open({ start: "open" }))).toMatchObject({ kind: "halt" });
    expect(await failureOf(drives.open({ start: "form", present: [0, 1] }))).toMatchObject({
      kind: "retry",
      reason: "QUORUM_LOST",
    });
    await (await drives.open({ start: "form" })).close();
    await (await drives.open({ start: "open" })).close();
  });

  test("does not count an emptied drive, and fills it", async () => {
    const drives = await filled(3, 1);
    drives.disks[1] = createMemoryDisk();
    expect(await failureOf(drives.open({ start: "open", present: [0, 1] }))).toMatchObject({ reason: "QUORUM_LOST" });
    await (await drives.open({ start: "open" })).close();
    expect((await valuesOn(drives, 1)).size).toBe(6);
    await (await drives.open({ start: "open", present: [0, 1] })).close();
  });

  test("does not count a drive whose first filling was not finished", async () => {
    const drives = await filled(3, 1);
    drives.disks[1] = createMemoryDisk();
    const faults = new Faults(drives, 1);
    // Everything is written but the word that it is whole.
    faults.script = (call) =>
      call.operation === "unlink" && call.path.endsWith("filling") ? { kind: "fail", code: "EIO" } : null;
    await (await drives.open({ start: "open" })).close();
    faults.script = () => null;
    expect(await failureOf(drives.open({ start: "open", present: [0, 1] }))).toMatchObject({ reason: "QUORUM_LOST" });
  });

  test("believes the newer of two drives, and brings the older one up", async () => {
    const drives = await filled(3, 1);
    const log = await drives.open({ start: "open", present: [0, 1] });
    await log.commit(put("new"));
    await log.close();
    const again = await drives.open({ start: "open", present: [1, 2] });
    expect(has(again, "new")).toBe(true);
    await again.close();
    expect((await valuesOn(drives, 2)).has("new")).toBe(true);
  });

  test("drops a batch that only an absent drive had, for good", async () => {
    const drives = new JournalDrives(3, 1);
    const [second, third] = [new Faults(drives, 1), new Faults(drives, 2)];
    const log = await drives.open();
    await log.commit(put("kept"));
    second.failWrites();
    third.failWrites();
    expect(await failureOf(log.commit(put("lost")))).toBeInstanceOf(UnknownOutcome);
    await log.close();
    second.script = third.script = () => null;
    const without = await drives.open({ start: "open", present: [1, 2] });
    expect([has(without, "kept"), has(without, "lost")]).toEqual([true, false]);
    await without.commit(put("new"));
    await without.close();
    const all = await drives.open({ start: "open" });
    expect([has(all, "kept"), has(all, "lost"), has(all, "new")]).toEqual([true, false, true]);
    await all.commit(put("newer"));
    await all.close();
    expect([...(await valuesOn(drives, 0)).keys()].sort()).toEqual(["kept", "new", "newer"]);
  });

  test("refuses drives of two journals", async () => {
    const [one, other] = [await filled(2, 1), new JournalDrives(2, 1, 2)];
    Object.assign(other, { clusterId: one.clusterId });
    await (await other.open()).close();
    one.disks[1] = other.disks[1] as Disk;
    expect(await failureOf(one.open({ start: "open" }))).toMatchObject({ kind: "halt" });
  });

  test("passes over batches of another cluster", async () => {
    const [one, other] = [await filled(2, 1), await filled(2, 1)];
    one.disks[1] = other.disks[1] as Disk;
    Object.assign(one, { clusterId: newId("cluster", random) });
    expect(await failureOf(one.open({ start: "open" }))).toMatchObject({ kind: "halt" });
  });

  test("halts when a drive remembers more than the journal holds, or something else", async () => {
    const drives = await filled(1, 0);
    const log = await drives.open({ start: "open" });
    await log.commit(put("more"));
    const witness = log.witness() as LogWitness;
    await log.close();
    await (await drives.open({ start: "open", witnesses: [witness] })).close();
    const wrong: LogWitness[] = [
      { ...witness, sequence: witness.sequence + 9 },
      { ...witness, checksum: "0".repeat(32) },
      { ...witness, logId: "1".repeat(32) },
    ];
    for (const one of wrong)
      expect(await failureOf(drives.open({ start: "open", witnesses: [one] }))).toMatchObject({ kind: "halt" });
    drives.disks[0] = createMemoryDisk();
    expect(await failureOf(drives.open({ start: "form", witnesses: [witness] }))).toMatchObject({ kind: "halt" });
  });

  test("keeps a view that is on the journal's line, and rebuilds one that is not", async () => {
    const drives = await filled(1, 0);
    const view = createMemoryView();
    await (await drives.open({ start: "open", view })).close();
    let applied = 0;
    const counted: WritableView = new Proxy(view, {
      get: (target, name) => {
        if (name === "clear") throw new Error("a view on the line is not cleared");
        if (name === "apply") applied++;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
    await (await drives.open({ start: "open", view: counted })).close();
    expect(applied).toBe(1);
    view.apply({
      revision: 99,
      position: { ...view.position!, revision: 99, checksum: "f".repeat(32) },
      writes: [{ kind: "put", key: key("ghost"), value: Buffer.from("x"), revision: 99 }],
    });
    const log = await drives.open({ start: "open", view });
    expect([has(log, "ghost"), has(log, "k5")]).toEqual([false, true]);
    await log.close();
  });
});

describe("damage", () => {
  async function paths(disk: Disk): Promise<string[]> {
    return (await disk.list(".kakera/journal"))
      .filter((name) => name.startsWith("batches"))
      .map((name) => `.kakera/journal/${name}`);
  }

  /** Flips a byte of the batch that holds `text`. */
  async function damage(disk: Disk, text: string): Promise<number> {
    let count = 0;
    for (const path of await paths(disk)) {
      const file = await disk.open(path, { access: "write" });
      const bytes = Buffer.alloc(await file.sizeBytes());
      await file.read(bytes, 0);
      for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
        await file.write(Buffer.from("?"), at);
        count++;
      }
      await file.close();
    }
    return count;
  }

  async function filled(driveCount: number, tolerance: number): Promise<JournalDrives> {
    const drives = new JournalDrives(driveCount, tolerance);
    const log = await drives.open();
    for (const name of ["first", "middle", "last"]) await log.commit(put(name));
    await log.close();
    return drives;
  }

  test("of a batch in the middle is repaired from another drive", async () => {
    const drives = await filled(2, 1);
    expect(await damage(drives.disks[0] as Disk, "middle")).toBeGreaterThan(0);
    await (await drives.open({ start: "open" })).close();
    expect((await valuesOn(drives, 0)).get("middle")).toBe("middle");
  });

  test("of a batch that no other drive has stops the start, and names the batch", async () => {
    const drives = await filled(1, 0);
    await damage(drives.disks[0] as Disk, "middle");
    const failure = await failureOf(drives.open({ start: "open" }));
    expect(failure).toMatchObject({ kind: "halt" });
    expect(failure?.message).toContain("batch 3 is damaged");
  });

  test("at the very end is a torn write: it was not acknowledged, as far as the journal can tell", async () => {
    const drives = await filled(1, 0);
    await damage(drives.disks[0] as Disk, "last");
    const log = await drives.open({ start: "open" });
    expect([has(log, "middle"), has(log, "last")]).toEqual([true, false]);
    await log.close();
  });

  test("at the very end is not passed over when a drive's identity remembers the batch", async () => {
    const drives = new JournalDrives(1, 0);
    const log = await drives.open();
    for (const name of ["first", "last"]) await log.commit(put(name));
    const witness = log.witness() as LogWitness;
    await log.close();
    await damage(drives.disks[0] as Disk, "last");
    expect(await failureOf(drives.open({ start: "open", witnesses: [witness] }))).toMatchObject({ kind: "halt" });
  });
});

describe("two drives, one of them missing", () => {
  async function oneLeft(): Promise<{ drives: JournalDrives; log: JournalLog }> {
    const drives = new JournalDrives(2, 1);
    const both = await drives.open();
    await both.commit(put("old"));
    await both.close();
    return { drives, log: await drives.open({ start: "open", present: [0] }) };
  }

  test("write only on the operator's word", async () => {
    const { drives, log } = await oneLeft();
    expect(await failureOf(log.commit(put("a")))).toMatchObject({ kind: "retry", reason: "LOG_UNREACHABLE" });
    await log.forget(drives.driveIds[1] as DriveId);
    expect(log.status()).toMatchObject({ canWrite: true, membersNeeded: 1 });
    await log.commit(put("a"));
    expect([has(log, "old"), has(log, "a")]).toEqual([true, true]);
    await log.close();
  });

  test("the word outlives a restart, and the forgotten drive is never believed again", async () => {
    const { drives, log } = await oneLeft();
    await log.forget(drives.driveIds[1] as DriveId);
    await log.commit(put("a"));
    await log.close();
    const again = await drives.open({ start: "open" });
    expect(again.members().map((member) => member.driveId)).toEqual([drives.driveIds[0]]);
    expect([again.status().membersNeeded, has(again, "a")]).toEqual([1, true]);
    expect(await failureOf(again.rejoin(drives.place(1)))).toMatchObject({ kind: "halt" });
    await again.close();
    // Alone it does not know of the word, and shows what it has; nothing can be built on that.
    const forgottenAlone = await drives.open({ start: "open", present: [1] });
    expect(forgottenAlone.status().canWrite).toBe(false);
    expect(await failureOf(forgottenAlone.commit(put("b")))).toMatchObject({ kind: "retry" });
    await forgottenAlone.close();
  });

  test("the word outlives the batch that carried it", async () => {
    const { drives, log } = await oneLeft();
    await log.forget(drives.driveIds[1] as DriveId);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 12; i++) await log.commit(put(`k${i}`, "x".repeat(9000)));
      await log.checkpoint();
    }
    await log.close();
    const again = await drives.open({ start: "open" });
    expect(again.members().map((member) => member.driveId)).toEqual([drives.driveIds[0]]);
    await again.close();
  });

  test("a new drive takes the place of the forgotten one, and both are needed from then on", async () => {
    const { drives, log } = await oneLeft();
    await log.forget(drives.driveIds[1] as DriveId);
    await log.commit(put("a"));
    await log.close();
    drives.driveIds[1] = newId("drive", random);
    drives.disks[1] = createMemoryDisk();
    const again = await drives.open({ start: "open" });
    expect(again.status()).toMatchObject({ canWrite: true, membersNeeded: 2 });
    await again.commit(put("b"));
    await again.close();
    expect([...(await valuesOn(drives, 1)).keys()]).toEqual(["a", "b", "old"]);
  });
});

describe("four drives, two of them missing", () => {
  async function twoLeft(): Promise<{ drives: JournalDrives; log: JournalLog; lost: [DriveId, DriveId] }> {
    const drives = new JournalDrives(4, 2);
    const all = await drives.open();
    await all.commit(put("old"));
    await all.close();
    const lost = [drives.driveIds[1], drives.driveIds[3]] as [DriveId, DriveId];
    return { drives, lost, log: await drives.open({ start: "open", present: [0, 2] }) };
  }

  test("write when both are given up, and the word for the first is kept in mind until then", async () => {
    const { drives, log, lost } = await twoLeft();
    await log.forget(lost[0]);
    expect(log.status()).toMatchObject({ canWrite: false, membersReachable: 2, membersNeeded: 3 });
    expect(has(log, "old")).toBe(true);
    await log.forget(lost[1]);
    expect(log.status()).toMatchObject({ canWrite: true, membersNeeded: 2 });
    expect([...log.forgotten]).toEqual(lost);
    await log.commit(put("new"));
    await log.close();
    const again = await drives.open({ start: "open", present: [0, 2] });
    expect([has(again, "old"), has(again, "new"), again.forgotten.length]).toEqual([true, true, 2]);
    for (const index of [1, 3])
      expect(await failureOf(again.rejoin(drives.place(index)))).toMatchObject({ kind: "halt" });
    await again.close();
  });

  test("believe one that comes back before its word was written down", async () => {
    const { drives, log, lost } = await twoLeft();
    await log.forget(lost[0]);
    await log.rejoin(drives.place(1));
    expect(log.status()).toMatchObject({ canWrite: true, membersReachable: 3, membersNeeded: 3 });
    expect([...log.forgotten]).toEqual([]);
    await log.commit(put("new"));
    await log.rejoin(drives.place(3));
    await log.close();
    for (const index of [0, 1, 2, 3]) expect([...(await valuesOn(drives, index)).keys()]).toEqual(["new", "old"]);
  });
});

describe("a new drive in the place of one that was given up, while the journal runs", () => {
  test("counts once it holds everything: from then on nothing is acknowledged without it", async () => {
    const drives = new JournalDrives(2, 1);
    const log = await drives.open();
    await log.commit(put("old"));
    await log.forget(drives.driveIds[1] as DriveId);
    expect(log.status().membersNeeded).toBe(1);
    drives.driveIds[1] = newId("drive", random);
    drives.disks[1] = createMemoryDisk();
    const faults = new Faults(drives, 1);
    const during = Array.from({ length: 5 }, (_, i) => log.commit(put(`during${i}`)));
    await Promise.all([log.rejoin(drives.place(1)), ...during]);
    expect(log.status()).toMatchObject({ membersNeeded: 2, membersReachable: 2 });
    const release = faults.hangWrites();
    let isAnswered = false;
    const commit = log.commit(put("both")).then(() => (isAnswered = true));
    await settle();
    expect(isAnswered).toBe(false);
    release();
    await commit;
    await log.close();
    expect((await valuesOn(drives, 1)).size).toBe(7);
    const alone = await drives.open({ start: "open", present: [1] });
    expect(alone.status().canWrite).toBe(false);
    await alone.close();
  });

  test("takes its place while the journal waits, before the old one is given up", async () => {
    const drives = new JournalDrives(2, 1);
    const log = await drives.open();
    await log.commit(put("old"));
    await log.close();
    const waiting = await drives.open({ start: "open", present: [0] });
    expect(waiting.members().map((member) => member.condition)).toEqual(["joining"]);
    expect(waiting.status()).toMatchObject({ canWrite: false, membersReachable: 1, membersNeeded: 2 });
    const newDrive = { driveId: newId("drive", random), disk: createMemoryDisk(), directory: ".kakera/journal" };
    await waiting.rejoin(newDrive);
    expect(waiting.status()).toMatchObject({ canWrite: true, membersReachable: 2, membersNeeded: 2 });
    expect(has(waiting, "old")).toBe(true);
    await waiting.commit(put("new"));
    await waiting.close();
    drives.driveIds[1] = newDrive.driveId;
    drives.disks[1] = newDrive.disk;
    expect([...(await valuesOn(drives, 1)).keys()]).toEqual(["new", "old"]);
  });

  test("changes nothing when it fails before it is whole", async () => {
    const drives = new JournalDrives(2, 1);
    const log = await drives.open();
    await log.forget(drives.driveIds[1] as DriveId);
    drives.driveIds[1] = newId("drive", random);
    drives.disks[1] = createMemoryDisk();
    const faults = new Faults(drives, 1);
    faults.failWrites();
    expect(await failureOf(log.rejoin(drives.place(1)))).toMatchObject({ code: "EIO" });
    expect(log.status()).toMatchObject({ canWrite: true, membersNeeded: 1, membersReachable: 1 });
    await log.commit(put("goes on"));
    faults.script = () => null;
    await log.rejoin(drives.place(1));
    expect(log.status()).toMatchObject({ canWrite: true, membersNeeded: 2, membersReachable: 2 });
    await log.close();
  });
});

describe("a checkpoint", () => {
  const fill = async (log: JournalLog, rounds: number): Promise<void> => {
    for (let i = 0; i < rounds; i++)
      await Promise.all(
        Array.from({ length: 8 }, (_, j) => log.commit(put(`k${(i * 8 + j) % 50}`, `${i}-${j}-`.padEnd(900, "x")))),
      );
  };
  const snapshot = (view: { range: JournalLog["view"]["range"] }): unknown[] =>
    view
      .range(Buffer.of(0), Buffer.of(0xff), 10_000)
      .map((entry) => [entry.key.toString(), entry.revision, entry.value.toString()]);
  const namesOn = async (drives: JournalDrives, index: number, kind: string): Promise<string[]> =>
    (await (drives.disks[index] as Disk).list(".kakera/journal")).filter((name) => name.startsWith(kind));

  test("holds the view, and the journal before the previous one is given up", async () => {
    const drives = new JournalDrives(3, 1);
    const log = await drives.open();
    await fill(log, 40);
    const filesBefore = await namesOn(drives, 0, "batches");
    await log.checkpoint();
    expect(await namesOn(drives, 0, "batches")).toEqual(filesBefore);
    await fill(log, 40);
    await log.checkpoint();
    await fill(log, 10);
    for (const index of [0, 1, 2]) {
      expect(await namesOn(drives, index, "checkpoint")).toHaveLength(2);
      expect(await namesOn(drives, index, "batches")).not.toContain(filesBefore[0]);
    }
    const before = snapshot(log.view);
    await log.close();
    const again = await drives.open({ start: "open" });
    expect(snapshot(again.view)).toEqual(before);
    await again.close();
  });

  test("is written when it is due, without being asked", async () => {
    const drives = new JournalDrives(2, 1);
    const log = await drives.open({ settings: { checkpointBytesMin: 256 * 1024 } });
    await fill(log, 60);
    await settle();
    await log.close();
    expect((await namesOn(drives, 0, "checkpoint")).length).toBeGreaterThan(0);
    expect((await namesOn(drives, 0, "batches")).length).toBeLessThan(12);
  });

  test("copies a view that changes under it, and replay makes it exact", async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const chance = createSeededRandom(seed);
      const drives = new JournalDrives(2, 1, seed);
      const log = await drives.open({ settings: { checkpointBlockBytes: 256 } });
      for (let i = 0; i < 60; i++) await log.commit(put(`k${i}`, "x".repeat(Math.floor(chance.fraction() * 100))));
      let isDone = false;
      const writing = (async () => {
        while (!isDone) {
          const at = Math.floor(chance.fraction() * 60);
          const roll = chance.fraction();
          if (roll < 0.5) await log.commit(put(`k${at}`, `new${chance.fraction()}`));
          else if (roll < 0.8) await log.commit(remove(`k${at}`));
          else await log.commit({ ...put(`z${at}`), deleteRanges: [{ from: key(`k${at}`), to: key(`k${at}~`) }] });
        }
      })();
      await log.checkpoint();
      isDone = true;
      await writing;
      const before = snapshot(log.view);
      await log.close();
      const view = createMemoryView();
      await (await drives.open({ start: "open", view })).close();
      expect(snapshot(view)).toEqual(before);
    }
  });

  test("that is damaged is passed over for a copy on another drive, then for the one before", async () => {
    const drives = new JournalDrives(2, 1);
    const log = await drives.open();
    await fill(log, 20);
    await log.checkpoint();
    await fill(log, 20);
    await log.checkpoint();
    await fill(log, 5);
    const before = snapshot(log.view);
    await log.close();
    const damageNewest = async (index: number): Promise<void> => {
      const name = (await namesOn(drives, index, "checkpoint")).at(-1) as string;
      const file = await (drives.disks[index] as Disk).open(`.kakera/journal/${name}`, { access: "write" });
      await file.write(Buffer.from("????"), 6000);
      await file.close();
    };
    for (const index of [0, 1]) {
      await damageNewest(index);
      const again = await drives.open({ start: "open" });
      expect(snapshot(again.view)).toEqual(before);
      await again.close();
    }
  });

  test("that is damaged everywhere, the one before too, stops the start", async () => {
    const drives = new JournalDrives(1, 0);
    const log = await drives.open();
    for (let round = 0; round < 3; round++) {
      await fill(log, 30);
      await log.checkpoint();
    }
    await log.close();
    for (const name of await namesOn(drives, 0, "checkpoint")) {
      const file = await (drives.disks[0] as Disk).open(`.kakera/journal/${name}`, { access: "write" });
      await file.write(Buffer.from("????"), 6000);
      await file.close();
    }
    const failure = await failureOf(drives.open({ start: "open" }));
    expect(failure).toMatchObject({ kind: "halt" });
    expect(failure?.message).toContain("no checkpoint is whole");
  });

  test("fails a drive that cannot write it, and the journal goes on", async () => {
    const drives = new JournalDrives(3, 1);
    const faults = new Faults(drives, 1);
    const log = await drives.open();
    await fill(log, 5);
    faults.script = (call) =>
      call.operation === "fdatasync" && call.path.includes("checkpoint") ? { kind: "fail", code: "EIO" } : null;
    await log.checkpoint();
    expect(log.members().map((member) => member.condition)).toEqual(["live", "failed", "live"]);
    await log.commit(put("goes on"));
    await log.close();
  });

  test("is copied to a drive that returns when the journal that it lacks is gone", async () => {
    const drives = new JournalDrives(3, 1);
    const log = await drives.open();
    await fill(log, 10);
    await log.close();
    const two = await drives.open({ start: "open", present: [0, 1] });
    for (let round = 0; round < 3; round++) {
      await fill(two, 40);
      await two.checkpoint();
    }
    await two.rejoin(drives.place(2));
    await two.commit(put("after"));
    await settle();
    const before = snapshot(two.view);
    await two.close();
    const alone = await valuesOn(drives, 2);
    expect(alone.size).toBe(before.length);
    expect(alone.get("after")).toBe("after");
  });
});

describe("a full drive", () => {
  test("refuses writes, lets deletes go on from the reserve, and a checkpoint makes room in the journal", async () => {
    const drives = new JournalDrives(1, 0);
    drives.disks[0] = createMemoryDisk({ totalBytes: 9 * 64 * 1024 });
    const log = await drives.open();
    let failure: ClusterFailure | null = null;
    for (let i = 0; failure === null && i < 500; i++)
      failure = await failureOf(log.commit(put(`k${i % 5}`, `${i}`.padEnd(3000, "x"))));
    expect(failure).toMatchObject({ kind: "full", reason: "LOG_SPACE" });
    expect((await log.commit(remove("k1"))).outcome).toBe("committed");
    await settle();
    expect((await log.commit(remove("k2"))).outcome).toBe("committed");
    await settle();
    for (let i = 0; i < 40; i++)
      expect((await log.commit(put("k0", `again${i}`.padEnd(3000, "x")))).outcome).toBe("committed");
    await log.close();
    expect([...(await valuesOn(drives, 0)).keys()]).toEqual(["k0", "k3", "k4"]);
  });

  test("takes writes again when others have made room on it", async () => {
    const drives = new JournalDrives(1, 0);
    const disk = createMemoryDisk({ totalBytes: 40 * 64 * 1024 });
    drives.disks[0] = disk;
    const log = await drives.open();
    const other = await disk.open("other", { access: "create" });
    await other.write(Buffer.alloc(36 * 64 * 1024), 0);
    let failure: ClusterFailure | null = null;
    for (let i = 0; failure === null && i < 500; i++)
      failure = await failureOf(log.commit(put(`k${i}`, "x".repeat(3000))));
    expect(failure).toMatchObject({ kind: "full", reason: "LOG_SPACE" });
    await other.close();
    await disk.unlink("other");
    await failureOf(log.commit(put("asks for room")));
    await settle();
    for (let i = 0; i < 40; i++) expect((await log.commit(put(`m${i}`, "x".repeat(3000)))).outcome).toBe("committed");
    await log.close();
  });

  test("is passed over while others have room", async () => {
    const drives = new JournalDrives(3, 1);
    drives.disks[0] = createMemoryDisk({ totalBytes: 6 * 64 * 1024 });
    const log = await drives.open();
    for (let i = 0; i < 150; i++) expect((await log.commit(put(`k${i}`, "x".repeat(3000)))).outcome).toBe("committed");
    await log.close();
    expect((await valuesOn(drives, 1)).size).toBe(150);
  });
});

describe("bounds", () => {
  test("refuse a change when too many wait", async () => {
    const drives = new JournalDrives(1, 0);
    const faults = new Faults(drives, 0);
    const log = await drives.open({ settings: { batchChangesMax: 2, queueChangesMax: 3 } });
    const release = faults.hangWrites();
    const commits = Array.from({ length: 9 }, (_, i) => failureOf(log.commit(put(`k${i}`))));
    await settle();
    release();
    const failures = await Promise.all(commits);
    // Two fly, two are formed behind them, three wait.
    expect(failures.map((failure) => failure?.kind ?? null)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      "retry",
      "retry",
    ]);
    await log.close();
  });

  test("let a change through that is larger than a journal file", async () => {
    const drives = new JournalDrives(2, 1);
    const log = await drives.open();
    await log.commit(put("large", "z".repeat(300_000)));
    await log.commit(put("small"));
    await log.close();
    const values = await valuesOn(drives, 1);
    expect([values.get("large")?.length, values.get("small")]).toEqual([300_000, "small"]);
  });
});

describe("failpoints", () => {
  test("are hit under every name that is listed, and under no other", async () => {
    const hits = new Set<string>();
    const drives = new JournalDrives(2, 1);
    const failpoints = { hit: (name: string): void => void hits.add(name) };
    const log = await drives.open({ failpoints });
    await log.commit(put("a"));
    await log.checkpoint();
    await log.commit(put("b"));
    await log.checkpoint();
    await log.close();
    expect([...hits].sort()).toEqual([...failpointNames].sort());
  });

  test("that end a commit before it is applied leave it to the next start", async () => {
    for (const name of ["view.before-apply", "journal.before-acknowledge"]) {
      const drives = new JournalDrives(1, 0);
      let isArmed = false;
      const log = await drives.open({
        failpoints: {
          hit: (at) => {
            if (isArmed && at === name) throw new Error("stopped here");
          },
        },
      });
      isArmed = true;
      expect(await failureOf(log.commit(put("a")))).toBeInstanceOf(UnknownOutcome);
      expect(await failureOf(log.barrier())).toMatchObject({ kind: "halt" });
      await log.close();
      const again = await drives.open({ start: "open" });
      expect(has(again, "a")).toBe(true);
      await again.close();
    }
  });
});
