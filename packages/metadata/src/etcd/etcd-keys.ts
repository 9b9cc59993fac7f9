import { idBytes, type NodeId, type SessionId } from "@kakera/kernel";
import { keys, successorOfPrefix } from "../key-space.ts";
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
  readonly bootstrap: Buffer;
  /** Of every live process. */
  readonly sessions: { readonly from: Buffer; readonly to: Buffer };
  readonly reports: { readonly from: Buffer; readonly to: Buffer };
  /** What is not ours: all before the prefix, and all behind it. */
  readonly others: readonly { readonly from: Buffer; readonly to: Buffer }[];
  readonly #metadataPrefix: Buffer;

  /** `prefix`: as in --etcd-prefix, `/kakera/`. */
  constructor(prefix: string) {
    this.prefix = prefix;
    this.#metadataPrefix = Buffer.from(`${prefix}m/`);
    this.metadata = { from: this.#metadataPrefix, to: Buffer.from(`${prefix}m0`) };
    this.tail = this.of(keys.tail());
    this.halt = Buffer.from(`${prefix}halt`);
    this.identity = Buffer.from(`${prefix}identity`);
    this.bootstrap = Buffer.from(`${prefix}bootstrap`);
    this.leader = Buffer.from(`${prefix}leader`);
    this.sessions = { from: Buffer.from(`${prefix}session/`), to: Buffer.from(`${prefix}session0`) };
    this.reports = { from: Buffer.from(`${prefix}report/`), to: Buffer.from(`${prefix}report0`) };
    const begin = Buffer.from(prefix);
    // To etcd a NUL is the first key as the start of a range, and no end as its end.
    this.others = [
      { from: Buffer.of(0), to: begin },
      { from: successorOfPrefix(begin) as Buffer, to: Buffer.of(0) },
    ];
  }

  of(key: Key): Buffer {
    return Buffer.concat([this.#metadataPrefix, key]);
  }

  /** The key of a view that an etcd key of the metadata range stands for. Shares its memory. */
  withoutPrefix(etcdKey: Buffer): Buffer {
    return etcdKey.subarray(this.#metadataPrefix.byteLength);
  }

  session(session: SessionId): Buffer {
    return Buffer.concat([this.sessions.from, idBytes(session)]);
  }

  report(session: SessionId): Buffer {
    return Buffer.concat([this.reports.from, idBytes(session)]);
  }

  /** The range of a node's record, outside of what views hold: it is leased. */
  get nodes(): { readonly from: Buffer; readonly to: Buffer } {
    return { from: Buffer.from(`${this.prefix}node/`), to: Buffer.from(`${this.prefix}node0`) };
  }

  node(node: NodeId): Buffer {
    return Buffer.from(`${this.prefix}node/${node}`);
  }

  /** What all nodes have to agree on. */
  digest(name: string): Buffer {
    return Buffer.from(`${this.prefix}agreed/${name}`);
  }
}
