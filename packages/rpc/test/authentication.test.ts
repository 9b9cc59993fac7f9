import { systemClock, type Clock } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { makeShard, readVerified, refOf } from "../../storage-node/test/drive-kit.ts";
import { startNode } from "./node-kit.ts";
import { bodyOf, failureOf, sendRaw, tapBetween } from "./socket-kit.ts";

const kindOffset = 5;

/** The bytes of the requests to the path among all that was sent. */
function requestsTo(sent: readonly Buffer[], call: string): Buffer[] {
  return sent.flatMap((bytes) => {
    const starts: number[] = [];
    for (let at = bytes.indexOf("POST /"); at >= 0; at = bytes.indexOf("POST /", at + 1)) starts.push(at);
    const requests = starts.map((start, index) => bytes.subarray(start, starts[index + 1] ?? bytes.byteLength));
    return requests.filter((request) => request.toString("latin1").startsWith(`POST /kakera/node/v1/${call} `));
  });
}

function clockAhead(byMs: number): Clock {
  return { ...systemClock, nowMs: () => systemClock.nowMs() + byMs };
}

describe("authentication of node calls", () => {
  it("refuses a client with another secret, and nothing is done", async () => {
    await using node = await startNode();
    const client = node.client({ secret: "another secret" });
    await client.refresh();
    const drive = client.drive(node.driveId);
    expect(client.isUp).toBe(false);
    expect(drive.status()).toMatchObject({ condition: "offline", reason: "NODE_DOWN" });
    const failure = await failureOf(drive.put(makeShard()));
    expect(failure).toMatchObject({ kind: "retry", reason: "NODE_DOWN" });
    expect(failure.message).toContain("secret");
    expect(node.drive.status().shardCount).toBe(0);
  });

  it("refuses the answers of a server with another secret", async () => {
    await using node = await startNode();
    const shard = makeShard();
    // What the true server answers, with one bit of its mac changed: as good as another secret.
    await using tap = await tapBetween(node.port, {
      down: (chunk) => {
        const changed = Buffer.from(chunk);
        const body = bodyOf(changed);
        body[100] = body[100]! ^ 1;
        return changed;
      },
    });
    const drive = node.client({ port: tap.port }).drive(node.driveId);
    expect(await failureOf(drive.put(shard))).toMatchObject({ kind: "retry", reason: "NODE_DOWN" });
  });

  it.each([
    ["kind", 5],
    ["salt", 20],
    ["nonce", 48],
    ["time", 56],
    ["addressee", 70],
    ["mac", 111],
    ["header", 130],
    ["payload", -1],
  ])("refuses a call of which one byte of the %s was changed on its way", async (_part, at) => {
    await using node = await startNode();
    let isTampering = false;
    await using tap = await tapBetween(node.port, {
      up: (chunk) => {
        const changed = Buffer.from(chunk);
        if (!isTampering || !changed.includes("/put ")) return chunk;
        const body = bodyOf(changed);
        const index = at < 0 ? body.byteLength + at : at;
        body[index] = body[index]! ^ 1;
        return changed;
      },
    });
    const client = node.client({ port: tap.port });
    await client.refresh();
    isTampering = true;
    expect(await failureOf(client.drive(node.driveId).put(makeShard()))).toMatchObject({ kind: "retry" });
    isTampering = false;
    expect(node.drive.status().shardCount).toBe(0);
  });

  it("refuses a call that was sent to another path", async () => {
    await using node = await startNode();
    let isTampering = false;
    await using tap = await tapBetween(node.port, {
      up: (chunk) => {
        const text = chunk.toString("latin1");
        return isTampering ? Buffer.from(text.replace("/describe ", "/read "), "latin1") : chunk;
      },
    });
    const client = node.client({ port: tap.port });
    await client.refresh();
    isTampering = true;
    const shard = makeShard();
    await node.drive.put(shard);
    expect((await failureOf(client.drive(node.driveId).describe(refOf(shard)))).message).toContain("secret");
  });

  it.each(["header", "payload"])("refuses an answer of which one byte of the %s was changed", async (part) => {
    await using node = await startNode();
    const shard = makeShard();
    await node.drive.put(shard);
    let isTampering = false;
    await using tap = await tapBetween(node.port, {
      down: (chunk) => {
        if (!isTampering) return chunk;
        const changed = Buffer.from(chunk);
        const body = bodyOf(changed);
        const index = part === "header" ? 115 : body.byteLength - 1;
        body[index] = body[index]! ^ 0x80;
        return changed;
      },
    });
    const client = node.client({ port: tap.port });
    await client.refresh();
    const drive = client.drive(node.driveId);
    expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
    isTampering = true;
    const failure = await failureOf(readVerified(drive, refOf(shard)));
    expect(failure).toMatchObject({ kind: "retry", reason: "NODE_DOWN" });
    expect(failure.message).toContain("not authentic");
  });

  it("refuses the answer to another call", async () => {
    await using node = await startNode();
    const [first, second] = [makeShard(), makeShard()];
    await node.drive.put(first);
    await node.drive.put(second);
    let recorded: Buffer | null = null;
    let isTampering = false;
    await using tap = await tapBetween(node.port, {
      down: (chunk) => {
        if (!isTampering) return chunk;
        recorded ??= chunk;
        return recorded;
      },
    });
    const client = node.client({ port: tap.port, settings: { statusIntervalMs: 1e9 } });
    await client.refresh();
    const drive = client.drive(node.driveId);
    isTampering = true;
    expect(await readVerified(drive, refOf(first))).toEqual(first.payload);
    expect((await failureOf(readVerified(drive, refOf(second)))).message).toContain("not authentic");
  });

  it("does not do again what is sent again", async () => {
    await using node = await startNode();
    await using tap = await tapBetween(node.port);
    const client = node.client({ port: tap.port });
    await client.refresh();
    const drive = client.drive(node.driveId);
    const shard = makeShard();
    await drive.put(shard);
    await drive.remove([refOf(shard)]);
    const [put] = requestsTo(tap.sent, "put");
    const answer = await sendRaw(node.port, put!);
    expect(answer[kindOffset]).toBe(2);
    expect(answer.toString("latin1")).toContain("was here before");
    expect(node.drive.status().shardCount).toBe(0);
  });

  it("does not do what was sent to the process before it", async () => {
    const before = await startNode();
    await using tap = await tapBetween(before.port);
    const client = before.client({ port: tap.port });
    await client.refresh();
    await client.drive(before.driveId).put(makeShard());
    const [put] = requestsTo(tap.sent, "put");
    const { port } = before;
    client.close();
    await before.end();
    await using node = await startNode({ port });
    const answer = await sendRaw(port, put!);
    expect(answer[kindOffset]).toBe(3);
    expect(node.drive.status().shardCount).toBe(0);
  });

  it("goes on with the process that takes the node over, also with writes", async () => {
    const before = await startNode();
    const { port } = before;
    await using own = await startNode();
    const client = own.client({ port });
    await client.refresh();
    await client.drive(before.driveId).put(makeShard());
    await before.end();
    await using after = await startNode({ port });
    await client.refresh();
    const shard = makeShard();
    const drive = client.drive(after.driveId);
    await drive.put(shard);
    expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
  });

  it("begins with any call: the node is told apart from its predecessors by the way", async () => {
    await using node = await startNode();
    const shard = makeShard();
    await node.client().drive(node.driveId).put(shard);
    expect(await readVerified(node.drive, refOf(shard))).toEqual(shard.payload);
    expect(node.drive.status().shardCount).toBe(1);
  });

  it.each([31_000, -31_000])("refuses a clock that is %i ms off, and says so", async (skewMs) => {
    await using node = await startNode();
    const client = node.client({ clock: clockAhead(skewMs) });
    const failure = await failureOf(client.hello());
    expect(failure).toMatchObject({ kind: "retry", reason: "CLOCK_SKEW" });
    expect(failure.message).toMatch(skewMs > 0 ? /3[01]\d\d\d ms ahead/ : /3[01]\d\d\d ms behind/);
    await client.refresh();
    expect(client.isUp).toBe(false);
    expect(client.drive(node.driveId).status()).toMatchObject({ condition: "offline", reason: "CLOCK_SKEW" });
  });

  it.each([25_000, -25_000])("takes a clock that is %i ms off", async (skewMs) => {
    await using node = await startNode();
    const introduction = await node.client({ clock: clockAhead(skewMs) }).hello();
    expect(introduction).toMatchObject({ nodeId: "node-1", version: "0.1.0" });
    expect(Math.abs(introduction.wallMs - Date.now())).toBeLessThan(20_000);
  });
});
