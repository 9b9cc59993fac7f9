import type { KeyObject } from "node:crypto";
import { AssertionFailure, ClusterFailure, type Clock, type Logger, type Random } from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import { bufferReleased } from "../buffer-released.ts";
import { macOf } from "../wire/envelope.ts";
import { encodeFailure } from "../wire/failure-message.ts";
import { isSealedBy } from "../wire/frame-mac.ts";
import type { ReceivedFrame } from "../wire/frame-receiver.ts";
import { FrameSealer } from "../wire/frame-sealer.ts";
import { callPathPrefix } from "../wire/call-limits.ts";
import type { CallAnswer, CallHandler } from "./calls/call-handler.ts";
import { clockSkewMsMax, KnownSenders, nameOf } from "./known-senders.ts";

export interface ServiceParts {
  readonly root: KeyObject;
  readonly table: ReadonlyMap<string, CallHandler>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A call of this sender, proved to be its own. */
  readonly heard: (sender: string, connection: object) => void;
}

export interface ReceivedCall {
  readonly path: string;
  readonly frame: ReceivedFrame;
  readonly connection: object;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface SealedAnswer {
  readonly envelope: Buffer;
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  /** When the answer was sent or cannot be. */
  readonly release: () => void;
  /** When the call's own bytes may be used again. */
  readonly callReleased: Promise<void>;
}

const nothing = new Uint8Array(0);
const atOnce = Promise.resolve();

/** Tells whether a call is to be believed, has it answered, and seals the answer. */
export class NodeService {
  readonly #parts: ServiceParts;
  readonly #senders: KnownSenders;
  readonly #sealer: FrameSealer;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.#senders = new KnownSenders(parts.root, parts.clock);
    this.#sealer = new FrameSealer(parts.root, "answers", parts);
  }

  /** null: whoever sent it does not have the secret. Never rejects. */
  async answer(call: ReceivedCall): Promise<SealedAnswer | null> {
    const { path, frame } = call;
    const { envelope, bytes, header, payload } = frame;
    const key = this.#senders.keyOf(envelope.salt);
    if (envelope.kind !== "call" || !isSealedBy(key, { path, envelope: bytes, header, payload })) return null;
    if (!envelope.addressee.equals(this.#sealer.salt)) return this.#seal(call, "not-me", { header: nothing });
    try {
      this.#admit(frame);
      this.#parts.heard(nameOf(envelope.salt), call.connection);
      return this.#seal(call, "done", await this.#run(call));
    } catch (failure) {
      const sealed = this.#seal(call, "failed", { header: this.#encode(failure, path) });
      return { ...sealed, callReleased: bufferReleased(failure) ?? atOnce };
    }
  }

  /** Refuses what is old, and what was here before. The sender has the secret: it is told why. */
  #admit({ envelope }: ReceivedFrame): void {
    const skewMs = this.#senders.skewMs(envelope.wallMs);
    if (Math.abs(skewMs) > clockSkewMsMax) {
      const message = `the sender's clock is ${Math.abs(skewMs)} ms ${skewMs > 0 ? "ahead of" : "behind"} this node's`;
      throw new ClusterFailure("retry", message, { reason: "CLOCK_SKEW" });
    }
    const verdict = this.#senders.accept(envelope);
    if (verdict === "seen") throw new ClusterFailure("retry", "the call was here before");
    if (verdict === "too-late")
      throw new ClusterFailure("retry", "the call is older than calls that are forgotten", { reason: "CLOCK_SKEW" });
    if (verdict === "too-many-senders") throw new ClusterFailure("retry", "too many processes call this node");
  }

  #run({ path, frame, signal }: ReceivedCall): Promise<CallAnswer> {
    const handler = this.#parts.table.get(path.slice(callPathPrefix.length));
    if (handler === undefined) throw new ClusterFailure("retry", `no call ${path} here`, { reason: "VERSION_SKEW" });
    const payload = frame.payload as Buffer;
    return handler(frame.header, { sender: nameOf(frame.envelope.salt), payload, signal });
  }

  #encode(failure: unknown, path: string): Uint8Array {
    const sent = encodeFailure(failure);
    if (sent === null) this.#parts.logger.log("error", "node-call.bug", { path, error: failure });
    // What runs on may do harm: the process' own handler reports it and ends.
    if (failure instanceof AssertionFailure) {
      queueMicrotask(() => {
        throw failure;
      });
    }
    return calls.Failure.encode(sent ?? { kind: "retry", message: "the node has a bug: its log says more" }).finish();
  }

  #seal({ path, frame }: ReceivedCall, kind: "done" | "failed" | "not-me", answer: CallAnswer): SealedAnswer {
    const { header, payload = nothing, release = () => {} } = answer;
    const envelope = this.#sealer.seal({ path, kind, addressee: macOf(frame.bytes), header, payload });
    return { envelope, header, payload, release, callReleased: atOnce };
  }
}
