import * as layout from "../../assembly/region-layout.ts";
import type { Kernel } from "../kernel.ts";
import { md5BlockBytes, type Md5Stream } from "./md5-stream.ts";

const lanesMax = layout.md5LanesMax;
const tailRoomBytes = 2 * md5BlockBytes;

/** Whole blocks of one stream, in a row somewhere in the memory. */
export interface Md5Run {
  readonly stream: Md5Stream;
  readonly offsetBytes: number;
  readonly blocks: number;
}

/** The kernel's eight lanes: runs of different streams go through them side by side, at most eight at a time. */
export class Md5Lanes {
  readonly #kernel: Kernel;
  /** Word w of lane l is at w * 8 + l. */
  readonly #states: Uint32Array;
  readonly #addresses: Uint32Array;
  readonly #tails: Uint8Array;
  readonly #active: { stream: Md5Stream; blocksLeft: number }[] = [];

  constructor(kernel: Kernel) {
    const { memory, regionAt } = kernel;
    this.#kernel = kernel;
    this.#states = new Uint32Array(memory.buffer, regionAt + layout.md5StatesAt, 4 * lanesMax);
    this.#addresses = new Uint32Array(memory.buffer, regionAt + layout.md5AddressesAt, lanesMax);
    this.#tails = new Uint8Array(memory.buffer, regionAt + layout.md5TailsAt, lanesMax * tailRoomBytes);
    const constants = new Uint32Array(memory.buffer, regionAt + layout.md5ConstantsAt, 64);
    for (let i = 0; i < 64; i++) constants[i] = Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32);
  }

  /** The streams differ from each other. Lanes that fall free take the next run. */
  hash(runs: readonly Md5Run[]): void {
    let next = 0;
    for (;;) {
      while (this.#active.length < lanesMax && next < runs.length) this.#enter(runs[next++]!);
      if (this.#active.length === 0) return;
      this.#advance(Math.min(...this.#active.map((lane) => lane.blocksLeft)));
    }
  }

  /** As `hash` for bytes that lie outside the memory: one or two blocks of each stream, copied in. */
  hashCopies(copies: readonly { readonly stream: Md5Stream; readonly bytes: Uint8Array }[]): void {
    for (let first = 0; first < copies.length; first += lanesMax) {
      this.hash(
        copies.slice(first, first + lanesMax).map(({ stream, bytes }, lane) => {
          this.#tails.set(bytes, lane * tailRoomBytes);
          return {
            stream,
            offsetBytes: this.#tails.byteOffset + lane * tailRoomBytes,
            blocks: bytes.byteLength / md5BlockBytes,
          };
        }),
      );
    }
  }

  #enter({ stream, offsetBytes, blocks }: Md5Run): void {
    if (blocks === 0) return;
    const lane = this.#active.length;
    this.#active.push({ stream, blocksLeft: blocks });
    this.#addresses[lane] = offsetBytes;
    for (let word = 0; word < 4; word++) this.#states[word * lanesMax + lane] = stream.words[word]!;
  }

  #advance(blocks: number): void {
    const { call } = this.#kernel;
    const count = this.#active.length;
    // A lane without a stream reads along with lane 0, so that it stays inside the memory; what it makes of it is dropped.
    this.#addresses.fill(this.#addresses[0]!, count);
    if (count === 1) call.md5One(blocks);
    else if (count <= 4) call.md5Four(blocks);
    else call.md5Eight(blocks);
    for (let lane = count - 1; lane >= 0; lane--) {
      const entry = this.#active[lane]!;
      entry.blocksLeft -= blocks;
      if (entry.blocksLeft === 0) this.#leave(lane);
    }
  }

  /** The last lane moves into the place of the one that leaves. */
  #leave(lane: number): void {
    const last = this.#active.length - 1;
    for (let word = 0; word < 4; word++) {
      this.#active[lane]!.stream.words[word] = this.#states[word * lanesMax + lane]!;
      this.#states[word * lanesMax + lane] = this.#states[word * lanesMax + last]!;
    }
    this.#addresses[lane] = this.#addresses[last]!;
    this.#active[lane] = this.#active[last]!;
    this.#active.pop();
  }
}
