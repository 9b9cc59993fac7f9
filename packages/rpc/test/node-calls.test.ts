import { ClusterFailure, newId, silentMeter, systemClock, type Clock, type Meter, type Timer } from "@kakera/kernel";
import { bufferReleased, type ShardDrive } from "@kakera/rpc";
import { describe, expect, it } from "vitest";
import { makeShard, random, readVerified, refOf } from "../../storage-node/test/drive-kit.ts";
import { startNode } from "./node-kit.ts";
import { failureOf, tapBetween, until } from "./socket-kit.ts";

const mib = 1024 * 1024;

/** A drive that answers some calls otherwise than the true one. */
function overridden(drive: ShardDrive, changes: Partial<ShardDrive>): ShardDrive {
  return {
    driveId: drive.driveId,
    put: (shard) => drive.put(shard),
    begin: (identity, purpose) => drive.begin(identity, purpose),
    read: (ref, window, into) => drive.read(ref, window, into),
    describe: (ref) => drive.describe(ref),
    remove: (refs) => drive.remove(refs),
    sealGroup: (group, epoch) => drive.sealGroup(group, epoch),
    sealedEpoch: (group) => drive.sealedEpoch(group),
    removeAtEpoch: (refs, epoch) => drive.removeAtEpoch(refs, epoch),
    inventory: (page) => drive.inventory(page),
    status: () => drive.status(),
    ...changes,
  };
}

/** The system's clock, but its timers go off only when a test says so. */
function clockByHand(): Clock & { passAll(delayMs: number): void } {
  const timers = new Set<{ delayMs: number; callback: () => void }>();
  return {
    ...systemClock,
    monotonicMs: () => 0,
    setTimer(delayMs, callback): Timer {
      const timer = { delayMs, callback };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
    passAll(delayMs) {
      for (const timer of [...timers].filter((one) => one.delayMs === delayMs)) {
        timers.delete(timer);
        timer.callback();
      }
    },
  };
}

describe("failures of node calls", () => {
  it("come out as they went in", async () => {
    const failures = [
      new ClusterFailure("full", "no room", { reason: "DRIVE_FULL" }),
      new ClusterFailure("repair", "a header is damaged", { reason: "BITROT_FOUND" }),
      new ClusterFailure("halt", "an operator must decide"),
      new ClusterFailure("retry", "hangs", { reason: "DRIVE_SLOW" }),
    ];
    let next = 0;
    await using node = await startNode({
      wrap: (drive) => overridden(drive, { describe: async () => Promise.reject(failures[next++]!) }),
    });
    const drive = node.client().drive(node.driveId);
    for (const expected of failures) {
      const failure = await failureOf(drive.describe(refOf(makeShard())));
      expect(failure).toBeInstanceOf(ClusterFailure);
      expect(failure).toMatchObject({ kind: expected.kind, reason: expected.reason });
      expect(failure.message).toContain(expected.message);
    }
  });

  it("say DRIVE_OFFLINE of a drive that the node does not have", async () => {
    await using node = await startNode();
    const client = node.client();
    await client.refresh();
    const drive = client.drive(newId("drive", random));
    expect(drive.status()).toMatchObject({ condition: "offline", reason: "DRIVE_OFFLINE" });
    for (const call of [
      drive.put(makeShard()),
      drive.begin(makeShard().identity),
      readVerified(drive, refOf(makeShard())),
    ])
      expect(await failureOf(call)).toMatchObject({ kind: "retry", reason: "DRIVE_OFFLINE" });
  });

  it("say NODE_DOWN of a node that is not there, and the drive is offline until it is", async () => {
    const gone = await startNode();
    const { port } = gone;
    await gone.end();
    await using other = await startNode();
    const client = other.client({ port });
    await client.refresh();
    const drive = client.drive(other.driveId);
    expect(drive.status()).toMatchObject({ condition: "offline", reason: "NODE_DOWN" });
    expect(await failureOf(drive.put(makeShard()))).toMatchObject({ kind: "retry", reason: "NODE_DOWN" });
    await using back = await startNode({ port });
    await until(() => client.isUp);
    expect(client.drive(back.driveId).status()).toMatchObject({ condition: "online" });
  });

  it("tell of a drive's condition soon after a call found it changed", async () => {
    let isFailed = false;
    await using node = await startNode({
      wrap: (drive) =>
        overridden(drive, {
          status: () =>
            isFailed ? { ...drive.status(), condition: "failed", reason: "DRIVE_FAILED" } : drive.status(),
          put: (shard) => (isFailed ? Promise.reject(new ClusterFailure("retry", "failed")) : drive.put(shard)),
        }),
    });
    const client = node.client({ settings: { statusIntervalMs: 1e9 } });
    await client.refresh();
    const drive = client.drive(node.driveId);
    expect(drive.status().condition).toBe("online");
    isFailed = true;
    await until(() => {
      void drive.put(makeShard()).catch(() => {});
      return drive.status().condition === "failed";
    });
    expect(drive.status().reason).toBe("DRIVE_FAILED");
  });

  it("are not told of a node that is not asked any more", async () => {
    await using node = await startNode();
    const rows = new Map<string, number>();
    const meter: Meter = {
      ...silentMeter,
      gauge: ({ name }) => ({
        set: (value, labels) => void rows.set(`${name} ${labels?.["node"]}`, value),
        remove: (labels) => void rows.delete(`${name} ${labels["node"]}`),
      }),
    };
    const client = node.client({ meter });
    await client.refresh();
    expect([...rows]).toEqual([[`kakera_node_up 127.0.0.1:${node.port}`, 1]]);
    const asked = client.refresh();
    client.close();
    await asked;
    expect([...rows]).toEqual([]);
  });

  it("come when a drive does not answer before the deadline, and say when the buffer is free", async () => {
    const hang = Promise.withResolvers<never>();
    let calls = 0;
    await using node = await startNode({
      wrap: (drive) =>
        overridden(drive, {
          put: () => {
            calls++;
            return hang.promise;
          },
        }),
    });
    const clock = clockByHand();
    const client = node.client({ clock, settings: { writeDeadlineMs: 17 } });
    await client.refresh();
    const put = failureOf(client.drive(node.driveId).put(makeShard({ sizeBytes: mib - 1 })));
    await until(() => calls === 1);
    clock.passAll(17);
    const failure = await put;
    expect(failure).toMatchObject({ kind: "retry", reason: "DRIVE_SLOW" });
    await bufferReleased(failure);
    hang.reject(new ClusterFailure("retry", "over") as never);
  });

  it("come when a node takes a call and says nothing, and nothing of a late answer reaches the caller's buffer", async () => {
    await using node = await startNode();
    const shard = makeShard({ sizeBytes: 100_000 });
    await node.drive.put(shard);
    const held: Buffer[] = [];
    let isHolding = false;
    await using tap = await tapBetween(node.port, {
      down: (chunk) => {
        if (!isHolding) return chunk;
        held.push(chunk);
        return Buffer.alloc(0);
      },
    });
    const clock = clockByHand();
    const client = node.client({ port: tap.port, clock, settings: { readDeadlineMs: 19 } });
    await client.refresh();
    isHolding = true;
    const into = Buffer.alloc(100_000);
    const read = failureOf(
      client.drive(node.driveId).read(refOf(shard), { offsetBytes: 0, lengthBytes: 100_000 }, into),
    );
    await until(() => held.length > 0);
    clock.passAll(19);
    expect(await read).toMatchObject({ kind: "retry", reason: "DRIVE_SLOW" });
    expect(into.equals(Buffer.alloc(100_000))).toBe(true);
  });

  it("come when an answer stops in its middle, and nothing of its rest reaches the caller's buffer", async () => {
    await using node = await startNode();
    const shard = makeShard({ sizeBytes: mib });
    await node.drive.put(shard);
    const held: Buffer[] = [];
    let [isAnswer, passedBytes] = [false, 0];
    await using tap = await tapBetween(node.port, {
      down(chunk) {
        if (!isAnswer) return chunk;
        const passed = chunk.subarray(0, Math.max(0, 300_000 - passedBytes));
        passedBytes += passed.byteLength;
        held.push(chunk.subarray(passed.byteLength));
        return passed;
      },
    });
    const clock = clockByHand();
    const client = node.client({ port: tap.port, clock, settings: { readDeadlineMs: 19 } });
    await client.refresh();
    isAnswer = true;
    const into = Buffer.alloc(mib);
    const read = failureOf(client.drive(node.driveId).read(refOf(shard), { offsetBytes: 0, lengthBytes: mib }, into));
    const end = 290_000;
    await until(() => into.subarray(end, end + 8).equals(shard.payload.subarray(end, end + 8)));
    clock.passAll(19);
    expect(await read).toMatchObject({ kind: "retry", reason: "DRIVE_SLOW" });
    const before = Buffer.from(into);
    tap.pass(held);
    await tap.closed();
    expect(into.equals(before)).toBe(true);
  });

  it("come when the node dies in the midst of a call; a write is not sent again", async () => {
    const hang = Promise.withResolvers<never>();
    let puts = 0;
    let describes = 0;
    await using node = await startNode({
      wrap: (drive) =>
        overridden(drive, {
          put: () => {
            puts++;
            return hang.promise;
          },
          describe: () => {
            describes++;
            return describes === 1 ? hang.promise : drive.describe(refOf(makeShard()));
          },
        }),
    });
    const tap = await tapBetween(node.port);
    const client = node.client({ port: tap.port, settings: { statusIntervalMs: 1e9 } });
    await client.refresh();
    const drive = client.drive(node.driveId);
    const put = failureOf(drive.put(makeShard()));
    const description = failureOf(drive.describe(refOf(makeShard())));
    await until(() => puts === 1 && describes === 1);
    await tap[Symbol.asyncDispose]();
    expect(await put).toMatchObject({ kind: "retry", reason: "NODE_DOWN" });
    expect(await description).toMatchObject({ kind: "retry", reason: "NODE_DOWN" });
    expect(puts).toBe(1);
    hang.reject(new ClusterFailure("retry", "over") as never);
  });

  it("do not come of a read whose pooled connection was closed as it was sent, and do of a write", async () => {
    await using node = await startNode();
    let isCutting = false;
    await using tap = await tapBetween(node.port, {
      up: (chunk) => {
        if (!isCutting) return chunk;
        isCutting = false;
        return null;
      },
    });
    const client = node.client({ port: tap.port, settings: { statusIntervalMs: 1e9 } });
    await client.refresh();
    const drive = client.drive(node.driveId);
    const shard = makeShard();
    await drive.put(shard);
    isCutting = true;
    expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
    isCutting = true;
    expect(await failureOf(drive.put(makeShard()))).toMatchObject({ kind: "retry", reason: "NODE_DOWN" });
    expect(node.drive.status().shardCount).toBe(1);
  });

  it("come of too many calls, and of a client that is closed", async () => {
    const hang = Promise.withResolvers<null>();
    await using node = await startNode({ wrap: (drive) => overridden(drive, { describe: () => hang.promise }) });
    const client = node.client({ settings: { connectionsMax: 1, waitingCallsMax: 2, statusIntervalMs: 1e9 } });
    await client.refresh();
    const drive = client.drive(node.driveId);
    const ref = refOf(makeShard());
    const first = drive.describe(ref);
    const waiting = [failureOf(drive.describe(ref)), failureOf(drive.describe(ref))];
    expect(await failureOf(drive.describe(ref))).toMatchObject({ kind: "retry", reason: "DRIVE_SLOW" });
    const underWay = failureOf(first);
    client.close();
    for (const failure of await Promise.all([underWay, ...waiting])) expect(failure).toMatchObject({ kind: "retry" });
    expect(await failureOf(drive.describe(ref))).toMatchObject({ kind: "retry" });
    hang.resolve(null);
  });
});

describe("damage on another node", () => {
  it("is seen by who verifies the blocks", async () => {
    await using node = await startNode({
      wrap: (drive) =>
        overridden(drive, {
          async read(ref, window, into) {
            const found = await drive.read(ref, window, into);
            into[10] = into[10]! ^ 1;
            return found;
          },
        }),
    });
    const shard = makeShard();
    await node.drive.put(shard);
    expect(await readVerified(node.client().drive(node.driveId), refOf(shard))).toBe("damaged");
  });
});
