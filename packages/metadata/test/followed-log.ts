import type { Random } from "@kakera/kernel";
import {
  createMemoryView,
  type ViewBatch,
  type ViewPosition,
  type ViewWrite,
  type WritableView,
} from "../src/index.ts";

const keyCount = 24;
const table = "P";

/** A log as etcd is one: batches of puts, deletes and delete-ranges, with random ids, and revisions that have gaps. */
export class FollowedLog {
  readonly logId: string;
  /** What a gateway's view of it holds now. */
  readonly view: WritableView = createMemoryView();
  /** By sequence, from 1. */
  readonly batches: ViewBatch[] = [];
  readonly #random: Random;
  readonly #states: string[] = [contents(createMemoryView())];

  constructor(random: Random, logId = "etcd:00c0ffee:/kakera") {
    this.#random = random;
    this.logId = logId;
  }

  /** Another history from a batch on: what a restored etcd has. */
  fork(random: Random, sequence: number): FollowedLog {
    const fork = new FollowedLog(random, this.logId);
    for (const batch of this.batches.slice(0, sequence)) fork.#commit(batch);
    return fork;
  }

  /** Commits a batch and applies it to the view. */
  commit(valueBytesMax = 400): ViewBatch {
    const random = this.#random;
    const revision = (this.batches.at(-1)?.revision ?? 0) + 1 + Math.floor(random.fraction() * 4);
    const position: ViewPosition = {
      logId: this.logId,
      revision,
      term: 1,
      sequence: this.batches.length + 1,
      checksum: Buffer.from(random.bytes(16)).toString("hex"),
    };
    const count = 1 + Math.floor(random.fraction() * 5);
    const writes = Array.from({ length: count }, () => this.#write(revision, valueBytesMax));
    return this.#commit({ revision, position, writes });
  }

  /** All entries, with their revisions, as they are after that batch. */
  stateAt(sequence: number): string {
    return this.#states[sequence] as string;
  }

  at(sequence: number): ViewPosition {
    return (this.batches[sequence - 1] as ViewBatch).position;
  }

  #commit(batch: ViewBatch): ViewBatch {
    this.batches.push(batch);
    this.view.apply(batch);
    this.#states.push(contents(this.view));
    return batch;
  }

  #write(revision: number, valueBytesMax: number): ViewWrite {
    const random = this.#random;
    const number = (): number => Math.floor(random.fraction() * keyCount);
    const draw = random.fraction();
    if (draw < 0.2) return { kind: "delete", key: keyOf(number()) };
    if (draw < 0.3) {
      const from = number();
      return { kind: "delete-range", from: keyOf(from), to: keyOf(from + 4) };
    }
    const value = Buffer.from(random.bytes(Math.floor(random.fraction() * valueBytesMax)));
    return { kind: "put", key: keyOf(number()), value, revision };
  }
}

function keyOf(number: number): Buffer {
  return Buffer.from(`${table}${String(number).padStart(3, "0")}`);
}

export function contents(view: WritableView): string {
  return view
    .range(Buffer.of(0), Buffer.of(0xff), 10_000)
    .map(({ key, value, revision }) => `${key.toString()}@${revision}=${value.toString("hex")}`)
    .join("\n");
}
