import { createManualClock, createSeededRandom, newId, type Clock } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { clockSkewMsMax, KnownSenders, sendersMax } from "../src/server/known-senders.ts";
import { decodeEnvelope, encodeEnvelope, envelopeBytes, type Envelope } from "../src/wire/envelope.ts";
import { deriveFrameKey, deriveRootKey, isSealedBy, sealFrame } from "../src/wire/frame-mac.ts";
import { FrameFailure, FrameReceiver } from "../src/wire/frame-receiver.ts";
import { FrameSealer } from "../src/wire/frame-sealer.ts";
import { ReplayWindow, replayWindowNonces } from "../src/wire/replay-window.ts";

const random = createSeededRandom(5);
const clusterId = newId("cluster", random);
const root = deriveRootKey("secret", clusterId);
const golden: Envelope = {
  kind: "failed",
  headerBytes: 5,
  payloadBytes: 70_000,
  salt: Buffer.alloc(32, 0xa1),
  nonce: 2 ** 33 + 7,
  wallMs: 1_700_000_000_123,
  addressee: Buffer.alloc(16, 0xb2),
};

describe("an envelope", () => {
  it("has these bytes", () => {
    const bytes = Buffer.alloc(envelopeBytes);
    encodeEnvelope(golden, bytes);
    expect(bytes.toString("hex")).toBe(
      `4b4b5243${"01"}${"02"}${"0000"}${"05000000"}${"70110100"}${"a1".repeat(32)}${"0700000002000000"}` +
        `${"7b68e5cf8b010000"}${"b2".repeat(16)}${"00".repeat(32)}`,
    );
    const read = decodeEnvelope(bytes);
    expect(read).toEqual({ ...golden, addressee: Buffer.concat([golden.addressee, Buffer.alloc(16)]) });
  });

  it.each([0, 4, 5])("is not one when byte %i is wrong", (at) => {
    const bytes = Buffer.alloc(envelopeBytes);
    encodeEnvelope(golden, bytes);
    bytes[at] = 99;
    expect(decodeEnvelope(bytes)).toBeNull();
  });
});

describe("the mac of a frame", () => {
  it("depends on every byte, on the path, and on the key", () => {
    const key = deriveFrameKey(root, Buffer.alloc(32, 1), "calls");
    const parts = {
      envelope: Buffer.alloc(envelopeBytes, 3),
      header: Buffer.from("header"),
      payload: Buffer.from("payload"),
    };
    const frame = { path: "/kakera/node/v1/put", ...parts };
    sealFrame(key, frame);
    expect(isSealedBy(key, frame)).toBe(true);
    expect(isSealedBy(key, { ...frame, path: "/kakera/node/v1/pu" })).toBe(false);
    for (const bytes of Object.values(parts)) {
      for (let at = 0; at < bytes.byteLength; at++) {
        bytes[at] = bytes[at]! ^ 4;
        expect(isSealedBy(key, frame)).toBe(false);
        bytes[at] = bytes[at]! ^ 4;
      }
    }
    expect(isSealedBy(key, frame)).toBe(true);
    for (const other of [
      deriveFrameKey(root, Buffer.alloc(32, 1), "answers"),
      deriveFrameKey(root, Buffer.alloc(32, 2), "calls"),
      deriveFrameKey(deriveRootKey("Secret", clusterId), Buffer.alloc(32, 1), "calls"),
      deriveFrameKey(deriveRootKey("secret", newId("cluster", random)), Buffer.alloc(32, 1), "calls"),
    ])
      expect(isSealedBy(other, frame)).toBe(false);
  });

  it("has a nonce of its own for each frame of a sealer", () => {
    const sealer = new FrameSealer(root, "answers", { clock: createManualClock(), random });
    const frame = { path: "/x", kind: "done", addressee: Buffer.alloc(0), header: Buffer.alloc(1) } as const;
    const nonces = Array.from(
      { length: 100 },
      () => decodeEnvelope(sealer.seal({ ...frame, payload: Buffer.alloc(0) }))!.nonce,
    );
    expect(new Set(nonces).size).toBe(100);
  });
});

describe("a frame that is received", () => {
  const parts = (): Buffer[] => {
    const envelope = Buffer.alloc(envelopeBytes);
    encodeEnvelope({ ...golden, headerBytes: 300, payloadBytes: 2000 }, envelope);
    return [envelope, Buffer.from(random.bytes(300)), Buffer.from(random.bytes(2000))];
  };
  const receiver = (): FrameReceiver =>
    new FrameReceiver(({ headerBytes, payloadBytes }) => ({
      header: Buffer.alloc(headerBytes),
      payload: Buffer.alloc(payloadBytes),
    }));

  it.each([1, 7, 111, 112, 113, 500, 5000])("is whole again from pieces of %i bytes", (pieceBytes) => {
    const sent = parts();
    const bytes = Buffer.concat(sent);
    const received = receiver();
    for (let at = 0; at < bytes.byteLength; at += pieceBytes) received.push(bytes.subarray(at, at + pieceBytes));
    const { header, payload } = received.finish();
    expect(Buffer.concat([header, payload]).equals(Buffer.concat(sent.slice(1)))).toBe(true);
  });

  it("is refused when it is shorter or longer than it says", () => {
    const bytes = Buffer.concat(parts());
    const short = receiver();
    short.push(bytes.subarray(0, -1));
    expect(() => short.finish()).toThrow(FrameFailure);
    const none = receiver();
    none.push(bytes.subarray(0, 50));
    expect(() => none.finish()).toThrow(FrameFailure);
    const long = receiver();
    long.push(bytes);
    expect(() => long.push(Buffer.alloc(1))).toThrow(FrameFailure);
  });
});

describe("a window of nonces", () => {
  it("takes each nonce once, in any order, and none that is too old to tell", () => {
    const window = new ReplayWindow();
    const model = new Set<number>();
    let highest = 0;
    for (let step = 0; step < 20_000; step++) {
      const around = highest - replayWindowNonces + Math.floor(random.fraction() * (replayWindowNonces + 200));
      const nonce = random.fraction() < 0.001 ? highest + replayWindowNonces * 2 : Math.max(around, 0);
      const isNew = nonce > 0 && nonce > highest - replayWindowNonces && !model.has(nonce);
      expect(window.accept(nonce)).toBe(isNew);
      model.add(nonce);
      highest = Math.max(highest, isNew ? nonce : 0);
    }
    expect(window.accept(2 ** 60)).toBe(false);
    expect(window.accept(1.5)).toBe(false);
  });
});

describe("the senders that are known", () => {
  const salt = (index: number): Buffer => {
    const bytes = Buffer.alloc(32);
    bytes.writeUInt32LE(index);
    return bytes;
  };

  it("are bounded in number, and none whose calls could come again is forgotten", () => {
    let nowMs = 1_000_000;
    const clock: Clock = { ...createManualClock(), nowMs: () => nowMs };
    const senders = new KnownSenders(root, clock);
    const call = (index: number, nonce = 1): ReturnType<KnownSenders["accept"]> =>
      senders.accept({ salt: salt(index), nonce, wallMs: nowMs });
    for (let index = 0; index < sendersMax; index++) expect(call(index)).toBe("new");
    expect(call(sendersMax)).toBe("too-many-senders");
    expect(call(0)).toBe("seen");
    nowMs += clockSkewMsMax;
    expect(call(sendersMax)).toBe("too-many-senders");
    expect(call(0, 2)).toBe("new");
    nowMs += 1;
    expect(call(sendersMax)).toBe("new");
    // The first one called again, so the second was forgotten; and what it sent is not taken even if the clock is set back.
    nowMs -= clockSkewMsMax;
    expect(senders.accept({ salt: salt(1), nonce: 1, wallMs: 1_000_000 })).toBe("too-late");
    expect(call(0, 2)).toBe("seen");
  });
});
