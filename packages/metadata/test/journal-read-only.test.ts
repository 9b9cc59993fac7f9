import { describe, expect, test } from "vitest";
import { faultyDisk, type DiskCall } from "@kakera/disk";
import { createSeededRandom, newId, type ClusterFailure, type Disk } from "@kakera/kernel";
import { createMemoryView, UnknownOutcome, type Change, type JournalLog } from "../src/index.ts";
import { JournalDrives } from "./journal-drives.ts";

const random = createSeededRandom(11);
/** Rows of a table that clients are told of. */
const key = (name: string): Buffer => Buffer.from(`l${name}`);

function put(name: string, value = name): Change {
  return {
    id: newId("change", random),
    purpose: "write",
    compares: [],
    puts: [{ key: key(name), value: Buffer.from(value) }],
    deletes: [],
  };
}

const failureOf = (work: Promise<unknown>): Promise<ClusterFailure | null> =>
  work.then(
    () => null,
    (error: ClusterFailure) => error,
  );

/** The row's value, null when there is none, or that the log will not say. */
function read(log: JournalLog, name: string): string | null {
  try {
    return log.view.get(key(name))?.value.toString() ?? null;
  } catch (error) {
    expect(error).toMatchObject({ kind: "retry", reason: "LOG_UNREACHABLE" });
    return "kept back";
  }
}

const all = ["k0", "k1", "k2", "k3"];

/** Ends as a process does that is killed: nothing is closed. */
async function killedAfter(drives: JournalDrives, names: readonly string[]): Promise<void> {
  const log = await drives.open();
  for (const name of names) await log.commit(put(name));
}

function pairsOf(count: number): number[][] {
  const indexes = Array.from({ length: count }, (_, index) => index);
  return indexes.flatMap((one) => indexes.filter((other) => other > one).map((other) => [one, other]));
}

/** As if the drive had never been told what was acknowledged. */
async function dropNotes(drives: JournalDrives, indexes: readonly number[]): Promise<void> {
  for (const disk of indexes.map((index) => drives.disks[index] as Disk)) {
    const path = ".kakera/journal/acknowledged";
    if ((await disk.stat(path)) !== null) await disk.unlink(path);
  }
}

/** Four drives of which only these ones have the last batch, so that nobody was ever told of it; then the process is killed. */
async function undecidedOn(indexes: readonly number[]): Promise<JournalDrives> {
  const drives = new JournalDrives(4, 2);
  const disks = [...drives.disks];
  let isFailing = false;
  for (const [index, disk] of disks.entries()) {
    const fails = ({ operation }: DiskCall): boolean => isFailing && operation === "write" && !indexes.includes(index);
    drives.disks[index] = faultyDisk(disk, (call) => (fails(call) ? { kind: "fail", code: "EIO" } : null));
  }
  const log = await drives.open();
  for (const name of all) await log.commit(put(name));
  isFailing = true;
  expect(await failureOf(log.commit(put("undecided")))).toBeInstanceOf(UnknownOutcome);
  drives.disks.splice(0, 4, ...disks);
  return drives;
}

describe("a start with every acknowledged batch and too few drives for a new term", () => {
  test.each(pairsOf(4))("reads all of it from drives %i and %i of four, and refuses changes", async (...present) => {
    const drives = new JournalDrives(4, 2);
    await killedAfter(drives, all);
    const log = await drives.open({ start: "open", present });
    await log.barrier();
    expect(all.map((name) => read(log, name))).toEqual(all);
    expect(log.status()).toMatchObject({ canWrite: false, membersReachable: 2, membersNeeded: 3 });
    expect(await failureOf(log.commit(put("new")))).toMatchObject({
      kind: "retry",
      reason: "LOG_UNREACHABLE",
      message: "reads only: 2 of the 3 drives that a change needs can be reached",
    });
    await log.close();
  });

  test("reads from one drive of two", async () => {
    const drives = new JournalDrives(2, 1);
    await killedAfter(drives, all);
    for (const index of [0, 1]) {
      const log = await drives.open({ start: "open", present: [index] });
      await log.barrier();
      expect(all.map((name) => read(log, name))).toEqual(all);
      await log.close();
    }
  });

  test("writes nothing to any drive", async () => {
    const drives = new JournalDrives(4, 2);
    await killedAfter(drives, all);
    const changing = ["write", "truncate", "fdatasync", "rename", "unlink"];
    const changes: string[] = [];
    for (const index of [1, 3]) {
      drives.disks[index] = faultyDisk(drives.disks[index] as Disk, ({ operation, path }) => {
        if (changing.includes(operation)) changes.push(`${operation} ${path}`);
        return null;
      });
    }
    const log = await drives.open({ start: "open", present: [1, 3] });
    await log.barrier();
    await log.close();
    expect(changes).toEqual([]);
  });

  test("goes on to a new term when a drive returns, without a reader noticing", async () => {
    const drives = new JournalDrives(4, 2);
    await killedAfter(drives, all);
    const log = await drives.open({ start: "open", present: [0, 3] });
    const returning = log.rejoin(drives.place(1));
    await log.barrier();
    expect(read(log, "k3")).toBe("k3");
    await returning;
    expect(log.status()).toMatchObject({ canWrite: true, membersReachable: 3 });
    await log.commit(put("new"));
    await log.close();
    const others = await drives.open({ start: "open", present: [1, 2] });
    expect([...all, "new"].map((name) => read(others, name))).toEqual([...all, "new"]);
    await others.close();
  });

  test("shows a new cluster, of which only the first term is on the drives, as the empty one that it is", async () => {
    const drives = new JournalDrives(4, 2);
    await killedAfter(drives, []);
    const log = await drives.open({ start: "open", present: [2, 3] });
    await log.barrier();
    expect(read(log, "k0")).toBeNull();
    await log.rejoin(drives.place(0));
    expect((await log.commit(put("k0"))).outcome).toBe("committed");
    await log.close();
  });

  test("is what is left of a start whose drive fails on the way", async () => {
    const drives = new JournalDrives(4, 2);
    await killedAfter(drives, all);
    const whole = drives.disks[1] as Disk;
    drives.disks[1] = faultyDisk(whole, ({ operation }) =>
      operation === "write" ? { kind: "fail", code: "ENOSPC" } : null,
    );
    const log = await drives.open({ start: "open", present: [0, 1, 2] });
    await log.barrier();
    expect(all.map((name) => read(log, name))).toEqual(all);
    expect(log.status()).toMatchObject({ canWrite: false, membersReachable: 2 });
    await log.rejoin(drives.place(1, whole));
    expect((await log.commit(put("new"))).outcome).toBe("committed");
    await log.close();
  });

  test("shows nothing while the journal is being formed", async () => {
    const drives = new JournalDrives(4, 2);
    await killedAfter(drives, []);
    const failing = faultyDisk(drives.disks[0] as Disk, ({ operation }) =>
      operation === "write" ? { kind: "fail", code: "EIO" } : null,
    );
    const places = [drives.place(0, failing), drives.place(1, failing), drives.place(2), drives.place(3)];
    const log = await drives.open({ start: "form", places });
    expect(await failureOf(log.barrier())).toMatchObject({ kind: "retry" });
    await log.close();
  });
});

describe("the last batch, when a start with too few drives cannot tell whether it was acknowledged", () => {
  test("is neither shown nor denied, and all else is read", async () => {
    const drives = await undecidedOn([0]);
    const log = await drives.open({ start: "open", present: [0, 1] });
    await log.barrier();
    expect([...all, "undecided"].map((name) => read(log, name))).toEqual([...all, "kept back"]);
    expect(() => log.view.range(key(""), key("~"), 100)).toThrow("too few drives can be reached");
    await log.close();
  });

  test("was not there for drives that never saw it, and so nobody has read it from the others", async () => {
    const drives = await undecidedOn([0, 1]);
    const first = await drives.open({ start: "open", present: [0, 1] });
    expect(read(first, "undecided")).toBe("kept back");
    await first.close();
    const others = await drives.open({ start: "open", present: [2, 3] });
    expect([...all, "undecided"].map((name) => read(others, name))).toEqual([...all, null]);
    await others.close();
    const enough = await drives.open({ start: "open", present: [1, 2, 3] });
    expect(read(enough, "undecided")).toBe("undecided");
    await enough.close();
  });

  test("is shown from the new term on that found it", async () => {
    const drives = await undecidedOn([0]);
    const log = await drives.open({ start: "open", present: [0, 1] });
    await log.rejoin(drives.place(2));
    expect(read(log, "undecided")).toBe("undecided");
    await log.close();
  });

  test("is gone for good once a new term did not find it", async () => {
    const drives = await undecidedOn([0]);
    await (await drives.open({ start: "open", present: [1, 2, 3] })).close();
    const log = await drives.open({ start: "open", present: [0, 1] });
    expect([...all, "undecided"].map((name) => read(log, name))).toEqual([...all, null]);
    await log.close();
  });

  test("stays in doubt while a return does not bring enough drives", async () => {
    const drives = await undecidedOn([0]);
    const log = await drives.open({ start: "open", present: [0, 1] });
    const failing = faultyDisk(drives.disks[2] as Disk, ({ operation }) =>
      operation === "write" ? { kind: "fail", code: "EIO" } : null,
    );
    await log.rejoin(drives.place(2, failing));
    expect([...all, "undecided"].map((name) => read(log, name))).toEqual([...all, "kept back"]);
    await log.rejoin(drives.place(3));
    expect(read(log, "undecided")).toBe("undecided");
    await log.close();
  });

  test("is kept back though it was acknowledged when no drive that is there has a note of that", async () => {
    const drives = new JournalDrives(4, 2);
    await killedAfter(drives, all);
    await dropNotes(drives, [0, 1]);
    const log = await drives.open({ start: "open", present: [0, 1] });
    expect(all.map((name) => read(log, name))).toEqual(["k0", "k1", "k2", "kept back"]);
    await log.close();
    const noted = await drives.open({ start: "open", present: [1, 2] });
    expect(read(noted, "k3")).toBe("k3");
    await noted.close();
  });

  test("is shown when the view has it, or a drive's identity, or a checkpoint: none has what was not acknowledged", async () => {
    const drives = new JournalDrives(4, 2);
    const view = createMemoryView();
    const log = await drives.open({ view });
    for (const name of all) await log.commit(put(name));
    const witness = log.witness();
    await log.close();
    await dropNotes(drives, [0, 1, 2, 3]);
    const present = [0, 1];
    const plain = await drives.open({ start: "open", present });
    expect(read(plain, "k3")).toBe("kept back");
    for (const known of [{ view }, { witnesses: witness === null ? [] : [witness] }]) {
      const knowing = await drives.open({ start: "open", present, ...known });
      expect(read(knowing, "k3")).toBe("k3");
      await knowing.close();
    }
    const enough = await drives.open({ start: "open" });
    await enough.commit(put("k4"));
    await enough.checkpoint();
    await enough.close();
    await dropNotes(drives, [0, 1, 2, 3]);
    const after = await drives.open({ start: "open", present });
    expect([...all, "k4"].map((name) => read(after, name))).toEqual([...all, "k4"]);
    await after.close();
  });

  test("is known by note only where as many drives may be lost as leave too few for a term", async () => {
    for (const { count, tolerance, isNoted } of [
      { count: 1, tolerance: 0, isNoted: false },
      { count: 2, tolerance: 1, isNoted: true },
      { count: 3, tolerance: 1, isNoted: false },
      { count: 4, tolerance: 2, isNoted: true },
    ]) {
      const drives = new JournalDrives(count, tolerance);
      await killedAfter(drives, all);
      const names = await (drives.disks[0] as Disk).list(".kakera/journal");
      expect(names.includes("acknowledged")).toBe(isNoted);
    }
  });
});

test("a change is answered when as many drives as it needs would tell a start so, though the process dies", async () => {
  const drives = new JournalDrives(4, 2);
  const release = [0, 1].map((index) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    drives.disks[index] = faultyDisk(drives.disks[index] as Disk, ({ operation, path }) =>
      operation === "write" && path.endsWith("/acknowledged") ? { kind: "hang", until: promise } : null,
    );
    return resolve;
  });
  const log = await drives.open();
  const answers: string[] = [];
  const commits = all.map(async (name) => {
    await log.commit(put(name));
    answers.push(name);
  });
  for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(read(log, "k3")).toBe("k3");
  expect(answers).toEqual([]);
  release[0]?.();
  await Promise.all(commits);
  expect(answers).toEqual(all);
  release[1]?.();
  await log.close();
});

test("a drive that refuses to sync its note closes its journal all the same", async () => {
  const drives = new JournalDrives(4, 2);
  const closed: string[] = [];
  drives.disks[0] = faultyDisk(drives.disks[0] as Disk, ({ operation, path }) => {
    if (operation === "close") closed.push(path);
    return operation === "fdatasync" && path.endsWith("/acknowledged") ? { kind: "fail", code: "EIO" } : null;
  });
  const log = await drives.open();
  await log.commit(put("a"));
  closed.length = 0;
  await log.close();
  expect(closed).toContain(".kakera/journal/acknowledged");
  expect(closed.some((path) => path.startsWith(".kakera/journal/batches-"))).toBe(true);
});
