import type { MessageChannel } from "../src/index.ts";

/** Two ends in one process: messages arrive in a later turn, in order, as bytes that are reused. */
export function channelPair(): { readonly near: TestChannel; readonly far: TestChannel } {
  const [near, far] = [new TestChannel(), new TestChannel()];
  near.other = far;
  far.other = near;
  return { near, far };
}

export class TestChannel implements MessageChannel {
  other: TestChannel | null = null;
  /** While true, what the other end sends stays on the way. */
  isHeld = false;
  readonly #onTheWay: Buffer[] = [];
  #receive: (message: Buffer) => void = () => {};
  #closed: (() => void)[] = [];
  #isClosed = false;

  send(message: Uint8Array): void {
    const copy = Buffer.from(message);
    setImmediate(() => this.other?.arrive(copy));
  }

  onMessage(receive: (message: Buffer) => void): void {
    this.#receive = receive;
  }

  onClosed(closed: () => void): void {
    this.#closed.push(closed);
  }

  arrive(message: Buffer): void {
    if (this.#isClosed) return;
    if (this.isHeld) {
      this.#onTheWay.push(message);
      return;
    }
    this.#receive(message);
    message.fill(0xee);
  }

  letGo(): void {
    this.isHeld = false;
    for (const message of this.#onTheWay.splice(0)) this.arrive(message);
  }

  get waitingCount(): number {
    return this.#onTheWay.length;
  }

  /** Both ends, as when a process dies. */
  break(): void {
    for (const end of [this, this.other as TestChannel]) {
      if (end.#isClosed) continue;
      end.#isClosed = true;
      for (const closed of end.#closed) closed();
    }
  }
}
