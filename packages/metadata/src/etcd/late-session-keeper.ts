import { idBytes, type SessionId } from "@kakera/kernel";
import type { EtcdSession, SessionParts } from "./etcd-session.ts";
import { openSession } from "./open-session.ts";
import { SessionKeeper } from "./session-keeper.ts";

/**
 * A lease that is no gateway's session: nothing of it is compared by batches, and nobody waits for its reports. Opened when it is first
 * asked for.
 */
export class LateSessionKeeper {
  readonly #parts: SessionParts;
  #keeper: SessionKeeper | null = null;
  #opening: Promise<SessionKeeper> | null = null;

  /** `folder`: where its keys lie under the prefix. */
  constructor(parts: Omit<SessionParts, "keyOf">, of: { readonly folder: string; readonly ttlSeconds: number }) {
    const { keys } = parts;
    const settings = { ...parts.settings, sessionTtlSeconds: of.ttlSeconds };
    const keyOf = (session: SessionId): Buffer =>
      Buffer.concat([Buffer.from(`${keys.prefix}${of.folder}/`), idBytes(session)]);
    this.#parts = { ...parts, settings, keyOf };
  }

  /** Resolves with a lease that is not known to be lost. Rejects with `retry` at the deadline. */
  async ensure(deadlineMs: number): Promise<EtcdSession> {
    this.#opening ??= this.#open(deadlineMs).catch((failure: unknown) => {
      this.#opening = null;
      throw failure;
    });
    return (await this.#opening).ensure(deadlineMs);
  }

  /** Gives it back at once, where etcd can be reached. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => null);
    await this.#keeper?.close();
  }

  async #open(deadlineMs: number): Promise<SessionKeeper> {
    this.#keeper = new SessionKeeper(this.#parts, await openSession(this.#parts, deadlineMs));
    return this.#keeper;
  }
}
