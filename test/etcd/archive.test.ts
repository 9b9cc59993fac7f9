import { describe, expect, test } from "vitest";
import { createMemoryDisk } from "@kakera/disk";
import {
  createSeededRandom,
  createSystemRandom,
  newId,
  noFailpoints,
  silentLogger,
  systemClock,
  type Random,
} from "@kakera/kernel";
import {
  acceptLoss,
  createMemoryView,
  nextArchiveEpoch,
  openArchive,
  readArchive,
  restoreLog,
  UnknownOutcome,
  type Archive,
  type JournalPlace,
  type ViewPosition,
  type WritableView,
} from "@kakera/metadata";
import { startEtcd } from "../harness/etcd.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { startTcpProxy } from "../harness/tcp-proxy.ts";
import { change, openLog, rowsOf, valueOf, type LogOfTest } from "./open-log.ts";

const isHere = (await obtainEtcd("current", "the archive of etcd's log")) !== null;
const prefix = "/archived/";
const clusterId = newId("cluster", createSeededRandom(1));

function threeDrives(): JournalPlace[] {
  const random = createSystemRandom();
  return [1, 2, 3].map(() => ({
    driveId: newId("drive", random),
    disk: createMemoryDisk(),
    directory: ".kakera/archive",
  }));
}

interface Leader extends AsyncDisposable {
  readonly archive: Archive;
  isPublished(position: ViewPosition | null): boolean;
}

/** Archives a log on the drives, as its leader does. */
async function lead({ log }: LogOfTest, places: readonly JournalPlace[]): Promise<Leader> {
  const archive = await openArchive(
    { clusterId, clock: systemClock, logger: silentLogger, failpoints: noFailpoints },
    {
      logId: log.identity.logId,
      epoch: await nextArchiveEpoch(places),
      places,
      tolerance: 1,
      copiesMin: 2,
      start: log.identity.restoredFrom === null ? "continue" : "anew",
      settings: { archiveIntervalMs: 20 },
    },
  );
  const end = new AbortController();
  const feeding = log.feed(archive, end.signal);
  return {
    archive,
    isPublished: (position) => (archive.published?.sequence ?? 0) >= (position?.sequence ?? Infinity),
    async [Symbol.asyncDispose]() {
      end.abort();
      await feeding;
      await archive.close();
    },
  };
}

/** Puts, overwrites and deletes of few keys, until the log has so many more batches. */
async function workload({ log, view }: LogOfTest, batchCount: number, random: Random): Promise<void> {
  const end = (log.witness()?.sequence ?? 0) + batchCount;
  const client = async (): Promise<void> => {
    while ((log.witness()?.sequence ?? 0) < end) {
      const name = `k${Math.floor(random.fraction() * 40)}`;
      const isDeleted = Math.floor(random.fraction() * 4) === 0 && valueOf(view, name) !== null;
      const work = log.commit(change({ [name]: isDeleted ? null : `v${Math.floor(random.fraction() * 1e6)}` }));
      // On a busy machine an answer of etcd may come too late to say what became of it: the archive must have it either way.
      await work.catch((failure: unknown) => {
        if (!(failure instanceof UnknownOutcome)) throw failure;
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
}

async function readBack(places: readonly JournalPlace[]): Promise<WritableView> {
  const view = createMemoryView();
  await (await readArchive(places, { clusterId })).restoreView(view);
  return view;
}

const restoring = (endpoints: readonly string[]) => ({
  access: { endpoints },
  clock: systemClock,
  random: createSystemRandom(),
  onProgress: () => undefined,
});

describe.skipIf(!isHere)("the archive of a log over etcd", () => {
  test("has all that was committed, also what was there before it began, and what another leader goes on with", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const places = threeDrives();
    const random = createSeededRandom(7);
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, clusterId });
    await workload(opened, 30, random);
    for (const drives of [places, places.slice(1), places]) {
      await using leader = await lead(opened, drives);
      await workload(opened, 50, random);
      await until("it is published", () => leader.isPublished(opened.log.witness()));
    }
    const view = await readBack(places);
    expect(rowsOf(view)).toEqual(rowsOf(opened.view));
    expect(view.position).toEqual(opened.log.witness());
  });

  test("goes on by a checkpoint behind what etcd has forgotten, and over connections that are cut", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const places = threeDrives();
    const random = createSeededRandom(8);
    await using proxy = await startTcpProxy(Number(new URL(etcd.endpoints[0] as string).port));
    await using opened = await openLog({ endpoints: [`http://127.0.0.1:${proxy.port}`], prefix, clusterId });
    {
      await using leader = await lead(opened, places);
      await workload(opened, 30, random);
      await until("it is published", () => leader.isPublished(opened.log.witness()));
    }
    await workload(opened, 100, random);
    await etcd.compact(opened.log.witness()?.revision ?? 0);
    await using leader = await lead(opened, places);
    for (let round = 0; round < 10; round++) {
      const working = workload(opened, 20, random).catch(() => undefined);
      proxy.cut();
      await working;
    }
    await opened.log.barrier();
    await until("it is published", () => leader.isPublished(opened.log.witness()));
    expect(rowsOf(await readBack(places))).toEqual(rowsOf(opened.view));
  });

  test("gives an etcd that is lost back in another one, under a new lineage that is archived anew", async () => {
    const places = threeDrives();
    const random = createSeededRandom(9);
    let before: ReturnType<typeof rowsOf>;
    {
      await using etcd = await startEtcd({ version: "current", members: 1 });
      await using opened = await openLog({ endpoints: etcd.endpoints, prefix, clusterId });
      await using leader = await lead(opened, places);
      await workload(opened, 200, random);
      await until("it is published", () => leader.isPublished(opened.log.witness()));
      before = rowsOf(opened.view);
    }
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const view = await readBack(places);
    const position = view.position as ViewPosition;
    const identity = await restoreLog(restoring(etcd.endpoints), { prefix }, { clusterId, view, position });
    expect(identity).toMatchObject({ clusterId, restoredFrom: position, keepsUnproven: true });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, clusterId });
    expect(withoutRevisions(rowsOf(opened.view))).toEqual(withoutRevisions(before));
    await expect(opened.log.bearWitness([position])).resolves.toBeUndefined();
    await using leader = await lead(opened, places);
    await workload(opened, 20, random);
    await until("it is published", () => leader.isPublished(opened.log.witness()));
    expect(rowsOf(await readBack(places))).toEqual(rowsOf(opened.view));
  });

  test("gives an etcd that was put back from an older copy what it lacks, though gateways are connected", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const places = threeDrives();
    const random = createSeededRandom(10);
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, clusterId });
    await workload(opened, 20, random);
    const snapshot = await etcd.snapshot();
    let before: ReturnType<typeof rowsOf>;
    {
      await using leader = await lead(opened, places);
      await workload(opened, 60, random);
      await until("it is published", () => leader.isPublished(opened.log.witness()));
      before = rowsOf(opened.view);
    }
    await etcd.restore(snapshot);
    await until("the log is halted", () => opened.log.halt !== null, 30_000);
    const view = await readBack(places);
    const position = view.position as ViewPosition;
    await restoreLog(restoring(etcd.endpoints), { prefix }, { clusterId, view, position });
    await using again = await openLog({ endpoints: etcd.endpoints, prefix, clusterId });
    expect(withoutRevisions(rowsOf(again.view))).toEqual(withoutRevisions(before));
    expect((await again.log.commit(change({ after: "yes" }))).outcome).toBe("committed");
    // The one that was open has another log in its mind: it says so, and changes nothing.
    await expect(opened.log.commit(change({ after: "no" }))).rejects.toMatchObject({ kind: "halt" });
    await until("it says why", () => /another log lies in etcd/.test(opened.log.halt ?? ""), 30_000);
    await again.log.barrier();
    expect(again.log.halt).toBeNull();
  });

  test("is not written over a log that nothing contradicts, nor over another cluster's", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, clusterId });
    await opened.log.commit(change({ a: "1" }));
    await opened.log.barrier();
    const { view } = opened;
    const position = opened.log.witness() as ViewPosition;
    const what = { clusterId, view, position };
    await expect(restoreLog(restoring(etcd.endpoints), { prefix }, what)).rejects.toMatchObject({ kind: "halt" });
    const other = { ...what, clusterId: newId("cluster", createSystemRandom()) };
    await expect(restoreLog(restoring(etcd.endpoints), { prefix }, other)).rejects.toThrow(/another cluster/);
    expect((await opened.log.commit(change({ a: "2" }))).outcome).toBe("committed");
  });

  test("is given back by the restoration that began last: one that was overtaken writes nothing more", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const rowCount = 30_000;
    const viewOf = (value: string): WritableView => {
      const view = createMemoryView();
      const row = (index: number) => change({ [String(index).padStart(6, "0")]: value }).puts[0]!;
      const entries = Array.from({ length: rowCount }, (_, index) => {
        const { key, value } = row(index);
        return { key: Buffer.from(key), value: Buffer.from(value), revision: 1 };
      });
      view.load(entries, position);
      return view;
    };
    const position: ViewPosition = { logId: "etcd:lost", term: 0, sequence: 7, revision: 9, checksum: "0".repeat(32) };
    let second: Promise<unknown> = Promise.resolve();
    let isBegun = false;
    const startSecond = (): void => {
      if (isBegun) return;
      isBegun = true;
      second = restoreLog(restoring(etcd.endpoints), { prefix }, { clusterId, view: viewOf("second"), position });
    };
    const first = restoreLog(
      { ...restoring(etcd.endpoints), onProgress: startSecond },
      { prefix },
      { clusterId, view: viewOf("first"), position },
    );
    const [ended] = await Promise.allSettled([first]);
    const [other] = await Promise.allSettled([second]);
    expect([ended, other]).toMatchObject([{ status: "rejected", reason: { kind: "retry" } }, { status: "fulfilled" }]);
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, clusterId });
    const values = rowsOf(opened.view).map(({ value }) => value);
    expect(values).toHaveLength(rowCount);
    expect(new Set(values).size).toBe(1);
    expect(valueOf(opened.view, "000000")).toBe("second");
  });

  test("says that etcd is not the one that a drive has seen, and goes on when the loss is accepted", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, clusterId });
    await workload(opened, 10, createSeededRandom(11));
    const witness = opened.log.witness() as ViewPosition;
    await opened.log.bearWitness([witness]);
    const ahead = { ...witness, sequence: witness.sequence + 5, revision: witness.revision + 5 };
    await expect(opened.log.bearWitness([ahead])).rejects.toMatchObject({ kind: "halt" });
    await expect(opened.log.commit(change({ a: "no" }))).rejects.toMatchObject({ kind: "halt" });
    expect(await acceptLoss({ access: { endpoints: etcd.endpoints }, clock: systemClock }, { prefix })).toMatch(
      /a drive has seen batch/,
    );
    await opened.log.barrier();
    expect((await opened.log.commit(change({ a: "yes" }))).outcome).toBe("committed");
    const other = { ...witness, checksum: newId("change", createSystemRandom()) };
    await expect(opened.log.bearWitness([other])).rejects.toMatchObject({ kind: "halt" });
  });

  test("does not stop a log whose past was compacted: nobody can say that a drive saw another one", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, clusterId });
    await workload(opened, 10, createSeededRandom(12));
    const witness = opened.log.witness() as ViewPosition;
    await workload(opened, 10, createSeededRandom(13));
    await etcd.compact(opened.log.witness()?.revision ?? 0);
    await expect(opened.log.bearWitness([witness])).resolves.toBeUndefined();
  });
});

function withoutRevisions(rows: ReturnType<typeof rowsOf>): { key: string; value: string }[] {
  return rows.map(({ key, value }) => ({ key, value }));
}
