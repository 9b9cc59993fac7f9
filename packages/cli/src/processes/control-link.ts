import { ClusterFailure, type Clock } from "@kakera/kernel";
import type { MessageChannel } from "@kakera/metadata";

/** Calls that are not answered yet; more are refused. */
const callsMax = 1000;

type Message =
  | { readonly kind: "tell"; readonly name: string; readonly value: unknown }
  | { readonly kind: "ask"; readonly number: number; readonly name: string; readonly value: unknown }
  | { readonly kind: "answer"; readonly number: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly number: number; readonly message: string };

type Handler = (value: never) => unknown;

/** What two processes of a server say to each other beside the log: JSON, told or asked by name. */
export class ControlLink {
  readonly #channel: MessageChannel;
  readonly #clock: Clock;
  readonly #handlers = new Map<string, Handler>();
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (failure: Error) => void }>();
  #lastNumber = 0;
  #isClosed = false;

  constructor(channel: MessageChannel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
    channel.onMessage((bytes) => void this.#receive(JSON.parse(bytes.toString()) as Message));
    channel.onClosed(() => {
      this.#isClosed = true;
      for (const { reject } of this.#waiting.values()) reject(gone());
      this.#waiting.clear();
    });
  }

  /** Calls `handle` with what the other one tells or asks by that name; what it returns or resolves to is the answer. */
  on<Value>(name: string, handle: (value: Value) => unknown): void {
    this.#handlers.set(name, handle as Handler);
  }

  tell(name: string, value: unknown): void {
    this.#send({ kind: "tell", name, value });
  }

  /** Rejects with ClusterFailure `retry` when the other one does not answer in time, or fails, or is gone. */
  async ask<Answer>(name: string, value: unknown, deadlineMs: number): Promise<Answer> {
    if (this.#isClosed) throw gone();
    if (this.#waiting.size >= callsMax) throw new ClusterFailure("retry", "too much is asked of another process");
    const number = ++this.#lastNumber;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(number, { resolve, reject });
    const timer = this.#clock.setTimer(deadlineMs, () =>
      reject(new ClusterFailure("retry", `another process does not answer ${name}`)),
    );
    try {
      this.#send({ kind: "ask", number, name, value });
      return (await promise) as Answer;
    } finally {
      timer.cancel();
      this.#waiting.delete(number);
    }
  }

  #send(message: Message): void {
    this.#channel.send(Buffer.from(JSON.stringify(message)));
  }

  async #receive(message: Message): Promise<void> {
    if (message.kind === "answer") return this.#waiting.get(message.number)?.resolve(message.value);
    if (message.kind === "failure")
      return this.#waiting.get(message.number)?.reject(new ClusterFailure("retry", message.message));
    const handle = this.#handlers.get(message.name);
    if (message.kind === "tell") return void handle?.(message.value as never);
    const { number } = message;
    try {
      this.#send({ kind: "answer", number, value: (await handle?.(message.value as never)) ?? null });
    } catch (failure) {
      if (!(failure instanceof ClusterFailure)) throw failure;
      this.#send({ kind: "failure", number, message: failure.message });
    }
  }
}

function gone(): ClusterFailure {
  return new ClusterFailure("retry", "the other process is gone");
}
