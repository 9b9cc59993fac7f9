import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { ClusterFailure, createManualClock, systemClock, type Clock, type ManualClock } from "@kakera/kernel";
import type { NodeServer, ShardDrive, ShardStream } from "@kakera/rpc";
import type { Drive } from "@kakera/storage-node";
import { describe, expect, it } from "vitest";
import { makeShard, readVerified, refOf } from "../../storage-node/test/drive-kit.ts";
import { readCopying } from "../src/drivers/read-in-place.ts";
import { Holdings } from "../src/server/holdings.ts";
import { PayloadMemory } from "../src/server/payload-memory.ts";
import { startNode } from "./node-kit.ts";
import { failureOf, until } from "./socket-kit.ts";

const mib = 1024 * 1024;

/** Wall time of the system, so that calls are believed; timers by hand. */
function serverClock(): { clock: Clock; manual: ManualClock } {
  const manual = createManualClock();
  return {
    manual,
    clock: { ...manual, nowMs: () => systemClock.nowMs(), atTurnEnd: (callback) => systemClock.atTurnEnd(callback) },
  };
}

/** Counts the streams of a drive that were begun and those that were aborted. */
function countingStreams(counts: { begun: number; aborted: number }): (drive: Drive) => ShardDrive {
  return (drive) => {
    return Object.assign(Object.create(drive) as ShardDrive, {
      driveId: drive.driveId,
      status: () => drive.status(),
      begin: async (...args: Parameters<Drive["begin"]>): Promise<ShardStream> => {
        const stream = await drive.begin(...args);
        counts.begun++;
        return {
          append: (payload, sums) => stream.append(payload, sums),
          finish: (end) => stream.finish(end),
          abort: async () => {
            counts.aborted++;
            await stream.abort();
          },
        };
      },
    });
  };
}

function isIdle(server: NodeServer): boolean {
  const { receivedBytes, sentBytes } = server.load();
  return receivedBytes + sentBytes === 0;
}

class HangingFailure extends ClusterFailure {
  readonly released: Promise<void>;

  constructor(released: Promise<void>) {
    super("retry", "the drive hangs", { reason: "DRIVE_SLOW" });
    this.released = released;
  }
}

function withoutStreams(drive: ShardDrive): ShardDrive {
  return {
    driveId: drive.driveId,
    put: (shard) => drive.put(shard),
    begin: () => Promise.reject(new ClusterFailure("retry", "none here")),
    read: (ref, window, into) => drive.read(ref, window, into),
    describe: (ref) => drive.describe(ref),
    remove: (refs) => drive.remove(refs),
    sealGroup: (group, epoch) => drive.sealGroup(group, epoch),
    sealedEpoch: (group) => drive.sealedEpoch(group),
    removeAtEpoch: (refs, epoch) => drive.removeAtEpoch(refs, epoch),
    inventory: (page) => drive.inventory(page),
    status: () => drive.status(),
  };
}

describe("shards in pieces on another node", () => {
  it("are given up when no call comes for them", async () => {
    const { clock, manual } = serverClock();
    const counts = { begun: 0, aborted: 0 };
    await using node = await startNode({
      clock,
      wrap: countingStreams(counts),
      server: { streamIdleMsMax: 60_000, peerSilentMsMax: 1e9 },
    });
    const drive = node.client().drive(node.driveId);
    const shard = makeShard({ sizeBytes: mib });
    const stream = await drive.begin(shard.identity);
    manual.advance(50_000);
    await stream.append(shard.payload, shard.blockChecksums);
    manual.advance(50_000);
    expect(counts.aborted).toBe(0);
    expect(node.server.load().streams).toBe(1);
    manual.advance(15_000);
    await until(() => counts.aborted === 1);
    expect(node.server.load().streams).toBe(0);
    expect(await failureOf(stream.finish(shard))).toMatchObject({ kind: "retry" });
  });

  it("are given up a little after the last connection of their process is gone, and not before", async () => {
    const { clock, manual } = serverClock();
    const counts = { begun: 0, aborted: 0 };
    await using node = await startNode({ clock, wrap: countingStreams(counts), server: { peerGraceMs: 2000 } });
    const [staying, leaving] = [node.client(), node.client()];
    await staying.drive(node.driveId).begin(makeShard().identity);
    await leaving.drive(node.driveId).begin(makeShard().identity);
    leaving.close();
    // Its timer is set when the server sees the connections end.
    await until(() => {
      manual.advance(1);
      return counts.aborted > 0 || manual.monotonicMs() > 1_000_000;
    });
    expect(manual.monotonicMs()).toBeGreaterThanOrEqual(2000);
    expect(counts).toEqual({ begun: 2, aborted: 1 });
    expect(node.server.load().streams).toBe(1);
  });

  it("are given up when their process falls silent", async () => {
    const { clock, manual } = serverClock();
    const counts = { begun: 0, aborted: 0 };
    await using node = await startNode({ clock, wrap: countingStreams(counts), server: { peerSilentMsMax: 30_000 } });
    const client = node.client({ settings: { statusIntervalMs: 1e9 } });
    await client.refresh();
    await client.drive(node.driveId).begin(makeShard().identity);
    manual.advance(36_000);
    await until(() => counts.aborted === 1);
  });

  it("are bounded in number, and not another process' to use", async () => {
    await using node = await startNode({ server: { streamsMax: 2 } });
    const [one, other] = [node.client().drive(node.driveId), node.client().drive(node.driveId)];
    const shard = makeShard({ sizeBytes: 10 });
    const stream = await one.begin(shard.identity);
    const theirs = await other.begin(makeShard().identity);
    expect(await failureOf(other.begin(makeShard().identity))).toMatchObject({ kind: "retry" });
    await theirs.abort();
    await theirs.abort();
    const again = await other.begin(makeShard().identity);
    expect(node.server.load().streams).toBe(2);
    await again.abort();
    await stream.append(shard.payload, shard.blockChecksums);
    await stream.finish(shard);
    expect(node.server.load().streams).toBe(0);
  });

  it("end with the server", async () => {
    const counts = { begun: 0, aborted: 0 };
    const node = await startNode({ wrap: countingStreams(counts) });
    await node.client().drive(node.driveId).begin(makeShard().identity);
    await node.end();
    expect(counts).toEqual({ begun: 1, aborted: 1 });
  });
});

describe("things that are held by their id", () => {
  const settings = { what: "thing", countMax: 2, idleMsMax: 10, usersMax: 1, giveUp: async () => {} };
  const make = (given: string[]): Holdings<string> =>
    new Holdings(createManualClock(), {
      ...settings,
      unknown: (id) => new Error(`no ${id}`),
      giveUp: async (thing) => void given.push(thing),
    });

  it("are their owner's alone", async () => {
    const given: string[] = [];
    const holdings = make(given);
    const id = holdings.add("owner", "it");
    await expect(holdings.use("other", id, async () => 1)).rejects.toThrow(`no ${id}`);
    await expect(holdings.take("other", id)).rejects.toThrow(`no ${id}`);
    await holdings.end("other", id);
    await holdings.endOwned("other");
    expect(await holdings.use("owner", id, async (thing) => thing)).toBe("it");
    expect(given).toEqual([]);
  });

  it("are given up only when the call that uses them has ended", async () => {
    const given: string[] = [];
    const holdings = make(given);
    const id = holdings.add("owner", "it");
    const gate = Promise.withResolvers<void>();
    const used = holdings.use("owner", id, () => gate.promise);
    await expect(holdings.use("owner", id, async () => 1)).rejects.toMatchObject({ kind: "retry" });
    const ended = holdings.endOwned("owner");
    await expect(holdings.use("owner", id, async () => 1)).rejects.toThrow(`no ${id}`);
    expect(given).toEqual([]);
    gate.resolve();
    await Promise.all([used, ended]);
    expect(given).toEqual(["it"]);
  });
});

describe("memory that calls take in line", () => {
  it("is given in the order of asking, also when a small piece would fit before a large one", async () => {
    const memory = new PayloadMemory({ sizeBytes: mib, waitingMax: 2 });
    const { signal } = new AbortController();
    const first = await memory.take(mib, signal);
    const given: string[] = [];
    const large = memory.take(mib, signal).then((lease) => (given.push("large"), lease));
    const small = memory.take(4096, signal).then((lease) => (given.push("small"), lease));
    await expect(memory.take(1, signal)).rejects.toMatchObject({ kind: "retry" });
    first.release();
    const leases = await Promise.all([large, small]);
    expect(given).toEqual(["large", "small"]);
    for (const lease of leases) lease.release();
    expect(memory.usedBytes).toBe(0);
  });

  it("is not waited for by who has gone", async () => {
    const memory = new PayloadMemory({ sizeBytes: mib, waitingMax: 2 });
    const gone = new AbortController();
    const { signal } = new AbortController();
    const first = await memory.take(mib, signal);
    const large = memory.take(mib, gone.signal);
    const small = memory.take(4096, signal);
    gone.abort(new Error("gone"));
    await expect(large).rejects.toThrow("gone");
    // What stood behind it has room: the slack.
    (await small).release();
    first.release();
    expect(memory.usedBytes).toBe(0);
    await expect(memory.take(1, gone.signal)).rejects.toThrow("gone");
  });
});

describe("memory of a node's server", () => {
  it("is bounded while many calls trickle in: others wait in line or are refused, and all of it comes back", async () => {
    await using node = await startNode({ server: { receivedBytesMax: 8 * mib, waitingCallsMax: 3 } });
    const client = node.client({ settings: { statusIntervalMs: 1e9 } });
    await client.refresh();
    const slow = Array.from({ length: 16 }, () => {
      const socket = connect({ host: "127.0.0.1", port: node.port });
      socket.on("error", () => {});
      socket.resume();
      socket.write(`POST /kakera/node/v1/put HTTP/1.1\r\nhost: x\r\ncontent-length: ${mib}\r\n\r\nKKRC`);
      return socket;
    });
    // Ten hold the memory and what it has of slack, three wait, and the rest were refused and cut.
    await until(() => node.server.load().waiting === 3 && slow.filter(({ destroyed }) => destroyed).length === 3);
    const drive = client.drive(node.driveId);
    expect(await failureOf(drive.put(makeShard({ sizeBytes: mib - 1 })))).toMatchObject({ kind: "retry" });
    for (const socket of slow) socket.destroy();
    await until(() => isIdle(node.server));
    await drive.put(makeShard({ sizeBytes: mib - 1 }));
    await until(() => isIdle(node.server));
    expect(node.server.load()).toMatchObject({ calls: 0, waiting: 0 });
  });

  it.each(["put", "read"] as const)(
    "is not given to others while a drive that hangs in a %s may still use it",
    async (name) => {
      const released = Promise.withResolvers<void>();
      const hang = (): Promise<never> => Promise.reject(new HangingFailure(released.promise));
      await using node = await startNode({
        wrap: (drive) => ({ ...withoutStreams(drive), put: hang, read: hang }),
      });
      const drive = node.client({ settings: { statusIntervalMs: 1e9 } }).drive(node.driveId);
      const shard = makeShard({ sizeBytes: 5000 });
      const window = { offsetBytes: 0, lengthBytes: 5000 };
      const call = name === "put" ? drive.put(shard) : drive.read(shard.identity, window, Buffer.alloc(5000));
      expect(await failureOf(call)).toMatchObject({ kind: "retry", reason: "DRIVE_SLOW" });
      await until(() => node.server.load().calls === 0);
      expect(node.server.load()[name === "put" ? "receivedBytes" : "sentBytes"]).toBeGreaterThan(0);
      released.resolve();
      await until(() => isIdle(node.server));
    },
  );

  it("is not given to others before an answer has left", async () => {
    await using node = await startNode();
    const shard = makeShard({ sizeBytes: 100_000 });
    await node.drive.put(shard);
    const held: (() => void)[] = [];
    let isHolding = false;
    const server = createServer((socket) => {
      const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
      socket.write = (...args: unknown[]) => {
        if (!isHolding) return write(...args);
        held.push(() => write(...args));
        return true;
      };
      node.server.accept(readCopying(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = node.client({ port, settings: { statusIntervalMs: 1e9 } });
    await client.refresh();
    isHolding = true;
    const read = readVerified(client.drive(node.driveId), refOf(shard));
    await until(() => held.length > 0);
    expect(node.server.load().sentBytes).toBeGreaterThan(0);
    for (const send of held) send();
    expect(await read).toEqual(shard.payload);
    await until(() => isIdle(node.server));
    client.close();
    server.close();
    await once(server, "close");
  });

  it("comes back from a call that does not arrive in time", async () => {
    const { clock, manual } = serverClock();
    await using node = await startNode({ clock, server: { receiveDeadlineMs: 40_000 } });
    const socket = connect({ host: "127.0.0.1", port: node.port });
    socket.on("error", () => {});
    socket.resume();
    socket.write(`POST /kakera/node/v1/put HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nKKRC`);
    await until(() => node.server.load().calls === 1 && !isIdle(node.server));
    manual.advance(40_001);
    await until(() => isIdle(node.server) && socket.destroyed);
  });

  it.each([
    ["GET /kakera/node/v1/put HTTP/1.1\r\nhost: x\r\n\r\n", "404"],
    ["POST /elsewhere HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", "404"],
    ["POST /kakera/node/v1/put HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabcde", "411"],
    ["POST /kakera/node/v1/put HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n", "413"],
    [`POST /kakera/node/v1/put HTTP/1.1\r\nhost: x\r\ncontent-length: 200\r\n\r\n${"x".repeat(200)}`, "400"],
  ])("is not given to what is no call: %j", async (text, status) => {
    await using node = await startNode();
    const socket = connect({ host: "127.0.0.1", port: node.port });
    socket.write(text);
    let received = "";
    for await (const chunk of socket) received += String(chunk);
    expect(received.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    await until(() => isIdle(node.server));
  });
});
