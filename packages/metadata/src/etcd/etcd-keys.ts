import { idBytes, type SessionId } from "@kakera/kernel";
import { keys } from "../key-space.ts";
import type { Key } from "../ports/view.ts";

/**
 * Where things lie in an etcd that may be shared: all that a view holds, and the tail, under one part of the prefix that one watcher
 * covers; sessions, the leader and the halt under others (correctness.md F1).
 */
export class EtcdKeys {
  readonly prefix: string;
  /** The range of the watch. */
  readonly metadata: { readonly from: Buffer; readonly to: Buffer };
  readonly tail: Buffer;
  readonly halt: Buffer;
  readonly identity: Buffer;
  readonly leader: Buffer;
  readonly #metadataPrefix: Buffer;

  /** `prefix`: as in --etcd-prefix, `/kakera/`. */
  constructor(prefix: string) {
    this.prefix = prefix;
    this.#metadataPrefix = Buffer.from(`${prefix}m/`);
    this.metadata = { from: this.#metadataPrefix, to: Buffer.from(`${prefix}m0`) };
    this.tail = this.of(keys.tail());
    this.halt = Buffer.from(`${prefix}halt`);
    this.identity = Buffer.from(`${prefix}identity`);
    this.leader = Buffer.from(`${prefix}leader`);
  }

  of(key: Key): Buffer {
    return Buffer.concat([this.#metadataPrefix, key]);
  }

  /** The key of a view that an etcd key of the metadata range stands for. Shares its memory. */
  withoutPrefix(etcdKey: Buffer): Buffer {
    return etcdKey.subarray(this.#metadataPrefix.byteLength);
  }

  session(session: SessionId): Buffer {
    return Buffer.concat([Buffer.from(`${this.prefix}session/`), idBytes(session)]);
  }
}
