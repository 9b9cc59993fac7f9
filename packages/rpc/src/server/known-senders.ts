import type { KeyObject } from "node:crypto";
import type { Clock } from "@kakera/kernel";
import { deriveFrameKey } from "../wire/frame-mac.ts";
import { ReplayWindow } from "../wire/replay-window.ts";

/** A call whose time is further from this node's clock is refused. */
export const clockSkewMsMax = 30_000;
/** Processes whose nonces are remembered: those of the cluster, and their predecessors of the last minute. */
export const sendersMax = 512;

interface Sender {
  readonly key: KeyObject;
  readonly window: ReplayWindow;
  /** The highest time in any of its calls. */
  newestWallMs: number;
}

export type NonceVerdict = "new" | "seen" | "too-late" | "too-many-senders";

/**
 * Who calls, by salt: its key, and which of its nonces were seen.
 *
 * A sender is forgotten only when another one needs its place and each of its calls is too old to be taken again; and the
 * newest time among the forgotten is kept, below which no sender that is not known gets in. So even a clock that is set back
 * does not let a call in twice. A node that starts anew forgets all, and has a new salt: older calls are not for it.
 */
export class KnownSenders {
  readonly #root: KeyObject;
  readonly #clock: Clock;
  /** In the order of their last new call. */
  readonly #senders = new Map<string, Sender>();
  #forgottenWallMs = 0;

  constructor(root: KeyObject, clock: Clock) {
    this.#root = root;
    this.#clock = clock;
  }

  /** Of a sender that is not known as well: whoever has the secret has it. */
  keyOf(salt: Buffer): KeyObject {
    return this.#senders.get(nameOf(salt))?.key ?? deriveFrameKey(this.#root, salt, "calls");
  }

  /** How far the time is from this node's clock; positive: ahead of it. */
  skewMs(wallMs: number): number {
    return wallMs - this.#clock.nowMs();
  }

  /** Only of a call whose mac is right and whose time is near. */
  accept(call: { readonly salt: Buffer; readonly nonce: number; readonly wallMs: number }): NonceVerdict {
    const name = nameOf(call.salt);
    const known = this.#senders.get(name);
    if (known === undefined) {
      if (call.wallMs <= this.#forgottenWallMs) return "too-late";
      if (this.#senders.size >= sendersMax && !this.#forgetOldest()) return "too-many-senders";
    }
    const sender = known ?? { key: this.keyOf(call.salt), window: new ReplayWindow(), newestWallMs: 0 };
    if (!sender.window.accept(call.nonce)) return "seen";
    sender.newestWallMs = Math.max(sender.newestWallMs, call.wallMs);
    this.#senders.delete(name);
    this.#senders.set(name, sender);
    return "new";
  }

  #forgetOldest(): boolean {
    const nowMs = this.#clock.nowMs();
    for (const [name, { newestWallMs }] of this.#senders) {
      if (newestWallMs + clockSkewMsMax >= nowMs) continue;
      this.#senders.delete(name);
      this.#forgottenWallMs = Math.max(this.#forgottenWallMs, newestWallMs);
      return true;
    }
    return false;
  }
}

/** Its bytes as a string: the cheapest key of a Map. */
export function nameOf(salt: Buffer): string {
  return salt.toString("latin1");
}
