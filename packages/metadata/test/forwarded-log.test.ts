import { beforeEach, describe, expect, test } from "vitest";
import { ClusterFailure, createSeededRandom, newId, systemClock, type SessionId } from "@kakera/kernel";
import {
  createMemoryLog,
  createMemoryView,
  ForwardedLog,
  LogService,
  UnknownOutcome,
  type Change,
  type CommitLog,
  type MemoryLog,
} from "../src/index.ts";
import { channelPair, type TestChannel } from "./channel-pair.ts";
import { describeLog, type LogDriver } from "./contract/log-contract.ts";
import { journalDriver } from "./journal-driver.ts";

const random = createSeededRandom(12);

interface Forwarding {
  readonly log: ForwardedLog;
  readonly service: LogService;
  /** The end of the process that forwards, and that of the log's process. */
  readonly near: TestChannel;
  readonly far: TestChannel;
  readonly bugs: unknown[];
  /** What the other process believes the session to be; it learns of a new one a little later. */
  believes: SessionId;
  isViewWhole: boolean;
  refreshCount: number;
}

function forward(log: CommitLog, settings: { callsMax?: number; bytesMax?: number } = {}): Forwarding {
  const { near, far } = channelPair();
  const bugs: unknown[] = [];
  const state = { believes: log.session, isViewWhole: true, refreshCount: 0 };
  const service = new LogService({
    channel: far,
    log,
    isViewWhole: () => state.isViewWhole,
    onBug: (failure) => bugs.push(failure),
  });
  const forwarded = new ForwardedLog(
    {
      channel: near,
      clock: systemClock,
      view: log.view,
      refreshView: () => state.refreshCount++,
      operationsPerChangeMax: log.operationsPerChangeMax,
      told: () => ({ session: state.believes, status: log.status() }),
    },
    settings,
  );
  return Object.assign(state, { log: forwarded, service, near, far, bugs });
}

/** A driver whose log is reached through another process' eyes. */
function forwardedDriver(driver: LogDriver): LogDriver {
  let owned: CommitLog | null = null;
  const through = (open: () => Promise<CommitLog>) => async (): Promise<CommitLog> => {
    await owned?.close();
    owned = await open();
    return forward(owned).log;
  };
  return {
    open: through(() => driver.open()),
    reopen: driver.reopen === null ? null : through(driver.reopen),
    async cleanUp() {
      await owned?.close();
      await driver.cleanUp();
    },
  };
}

const openMemoryLog = (): MemoryLog =>
  createMemoryLog({ view: createMemoryView(), session: newId("session", createSeededRandom(1)) });

describeLog("ForwardedLog to a MemoryLog", () =>
  forwardedDriver({ open: async () => openMemoryLog(), reopen: null, cleanUp: async () => {} }),
);
describeLog("ForwardedLog to a JournalLog on 3 memory disks", () =>
  forwardedDriver(journalDriver({ medium: "memory disks", kind: "LMDB view", driveCount: 3, tolerance: 1 })),
);

describe("ForwardedLog", () => {
  let owned: MemoryLog;
  let forwarding: Forwarding;
  const change = (name: string, value = "v"): Change => ({
    id: newId("change", random),
    purpose: "write",
    compares: [],
    puts: [{ key: Buffer.from(`P${name}`), value: Buffer.from(value) }],
    deletes: [],
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  /** Until what was sent has arrived. */
  const arrived = async (end: TestChannel, count: number): Promise<void> => {
    while (end.waitingCount < count) await turn();
  };

  beforeEach(() => {
    owned = openMemoryLog();
    forwarding = forward(owned);
  });

  test("a change that was sent when the log's process dies may have happened: its chunks stay", async () => {
    forwarding.near.isHeld = true;
    const committed = forwarding.log.commit(change("a"));
    await arrived(forwarding.near, 1);
    expect(owned.view.get(Buffer.from("Pa"))).not.toBeNull();
    forwarding.near.break();
    await expect(committed).rejects.toBeInstanceOf(UnknownOutcome);
    await expect(forwarding.log.commit(change("b"))).rejects.toMatchObject({
      kind: "retry",
      reason: "LOG_UNREACHABLE",
    });
    await expect(forwarding.log.barrier()).rejects.toMatchObject({ kind: "retry" });
    expect(forwarding.log.status()).toMatchObject({ canWrite: false, canRead: "no" });
  });

  test("an outcome that is unknown there is unknown here, and other failures keep their kind and reason", async () => {
    for (const fate of ["open", "decided"] as const) {
      owned.failure = new UnknownOutcome("nobody knows", { fate });
      const unknown = await forwarding.log.commit(change("a")).catch((error: unknown) => error);
      expect(unknown).toBeInstanceOf(UnknownOutcome);
      expect(unknown).toMatchObject({ fate });
    }
    owned.failure = new ClusterFailure("full", "no room", { reason: "LOG_SPACE" });
    const failure = await forwarding.log.commit(change("a")).catch((error: unknown) => error);
    expect(failure).not.toBeInstanceOf(UnknownOutcome);
    expect(failure).toMatchObject({ kind: "full", reason: "LOG_SPACE", message: "no room" });
    await expect(forwarding.log.barrier()).rejects.toMatchObject({ kind: "full" });
  });

  test("a change of a session that is over certainly does not happen", async () => {
    forwarding.believes = newId("session", random);
    const failure = await forwarding.log.commit(change("a")).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: "retry" });
    expect(failure).not.toBeInstanceOf(UnknownOutcome);
    expect(owned.view.get(Buffer.from("Pa"))).toBeNull();
  });

  test("nothing is committed for a process that was given up, however late its changes arrive", async () => {
    forwarding.far.isHeld = true;
    const committed = forwarding.log.commit(change("a"));
    await arrived(forwarding.far, 1);
    forwarding.service.end();
    forwarding.far.letGo();
    await turn();
    expect(owned.view.get(Buffer.from("Pa"))).toBeNull();
    forwarding.near.break();
    await expect(committed).rejects.toBeInstanceOf(UnknownOutcome);
    expect(await forwarding.service.settled()).toBe("decided");
  });

  test("is settled when everything that was handed over is decided, and never where that is unknown", async () => {
    const held = Promise.withResolvers<void>();
    const commit = owned.commit.bind(owned);
    owned.commit = async (offered) => {
      await held.promise;
      return commit(offered);
    };
    void forwarding.log.commit(change("a")).catch(() => {});
    forwarding.far.isHeld = true;
    await arrived(forwarding.far, 1);
    forwarding.far.letGo();
    forwarding.near.break();
    let settled = "no";
    const settling = forwarding.service.settled().then((how) => (settled = how));
    await turn();
    expect(settled).toBe("no");
    held.resolve();
    await settling;
    expect(settled).toBe("decided");
    expect(owned.view.get(Buffer.from("Pa"))).not.toBeNull();

    const other = forward(owned);
    owned.failure = new UnknownOutcome("nobody knows", { fate: "open" });
    await other.log.commit(change("b")).catch(() => {});
    expect(await other.service.settled()).toBe("unknown");

    const decided = forward(owned);
    owned.failure = new UnknownOutcome("nobody knows", { fate: "decided" });
    await decided.log.commit(change("c")).catch(() => {});
    expect(await decided.service.settled()).toBe("decided");
  });

  test("barriers of one turn are one question, and one that was sent is not joined", async () => {
    let asked = 0;
    const barrier = owned.barrier.bind(owned);
    owned.barrier = () => {
      asked++;
      return barrier();
    };
    await Promise.all([forwarding.log.barrier(), forwarding.log.barrier(), forwarding.log.barrier()]);
    expect(asked).toBe(1);
    const first = forwarding.log.barrier();
    await turn();
    await Promise.all([first, forwarding.log.barrier()]);
    expect(asked).toBe(3);
  });

  test("the newest of the view is looked at after every answer", async () => {
    await forwarding.log.barrier();
    expect(forwarding.refreshCount).toBe(1);
    await forwarding.log.commit(change("a"));
    expect(forwarding.refreshCount).toBe(2);
  });

  test("no barrier passes while the view may not be shown whole", async () => {
    forwarding.isViewWhole = false;
    await expect(forwarding.log.barrier()).rejects.toMatchObject({ kind: "retry" });
  });

  test("takes so many calls and bytes at once, and no more", async () => {
    forwarding = forward(owned, { callsMax: 2, bytesMax: 1000 });
    const two = [forwarding.log.commit(change("a")), forwarding.log.commit(change("b"))];
    await expect(forwarding.log.commit(change("c"))).rejects.toMatchObject({ kind: "retry" });
    await Promise.all(two);
    const large = forwarding.log.commit(change("d", "x".repeat(900)));
    await expect(forwarding.log.commit(change("e", "x".repeat(900)))).rejects.toMatchObject({ kind: "retry" });
    await large;
    expect((await forwarding.log.commit(change("e", "x".repeat(900)))).outcome).toBe("committed");
  });

  test("a bug in the log ends its process, and is not told as an answer", async () => {
    owned.commit = async () => {
      throw new TypeError("a bug");
    };
    void forwarding.log.commit(change("a")).catch(() => {});
    while (forwarding.bugs.length === 0) await turn();
    expect(await forwarding.service.settled()).toBe("unknown");
  });
});
