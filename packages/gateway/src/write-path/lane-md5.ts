import { createHash, type Hash } from "node:crypto";
import type { Md5, Md5Input, Md5Stream, SharedMemory } from "@kakera/erasure";
import { assert, MIB, type Clock } from "@kakera/kernel";
import type { BodyHasher } from "./body-hasher.ts";

export interface LaneMd5Parts {
  readonly md5: Md5;
  readonly memory: Pick<SharedMemory, "memory">;
  readonly clock: Clock;
}

/** Hashed in one go, in which nothing else runs, is no more than this and one range of each body. */
const roundBytesMax = 1 * MIB;

/**
 * MD5 of all bodies under way, side by side in the kernel's lanes: the more of them have bytes waiting, the less each costs. So
 * bytes wait until somebody waits for them, and then those of all bodies go along.
 */
export function createLaneMd5(parts: LaneMd5Parts): () => BodyHasher {
  const rounds = new Md5Rounds(parts);
  return () => new LaneHasher(rounds);
}

class Md5Rounds {
  readonly #parts: LaneMd5Parts;
  readonly #waiting = new Set<LaneHasher>();
  #isDue = false;

  constructor(parts: LaneMd5Parts) {
    this.#parts = parts;
  }

  begin(): Md5Stream {
    return this.#parts.md5.begin();
  }

  isInside(bytes: Buffer): boolean {
    return bytes.buffer === this.#parts.memory.memory.buffer;
  }

  join(hasher: LaneHasher): void {
    this.#waiting.add(hasher);
  }

  leave(hasher: LaneHasher): void {
    this.#waiting.delete(hasher);
  }

  hasten(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const { clock } = this.#parts;
    // At the end of this turn the writes are begun that its bodies wait for: those fly meanwhile.
    clock.atTurnEnd(() => clock.atTurnEnd(() => this.#run()));
  }

  #run(): void {
    const { md5 } = this.#parts;
    this.#isDue = false;
    const hashers = [...this.#waiting];
    for (let bytes = 0; bytes < roundBytesMax;) {
      // A body's ranges come one after the other, those of different bodies side by side.
      const inputs = hashers.flatMap((hasher) => hasher.next() ?? []);
      if (inputs.length === 0) break;
      md5.update(inputs);
      for (const { lengthBytes } of inputs) bytes += lengthBytes;
    }
    const taken = hashers.filter((hasher) => hasher.isTaken);
    const ended = taken.filter((hasher) => hasher.isEnding);
    const digests = md5.finish(ended.map((hasher) => hasher.stream));
    for (const hasher of taken) hasher.leave();
    for (const [index, hasher] of ended.entries()) hasher.finish(digests[index] as Buffer);
    if (hashers.some((hasher) => hasher.isHastened)) this.hasten();
  }
}

class LaneHasher implements BodyHasher {
  readonly stream: Md5Stream;
  readonly #rounds: Md5Rounds;
  #inputs: Md5Input[] = [];
  #taking: PromiseWithResolvers<void> | null = null;
  #ending: PromiseWithResolvers<Buffer> | null = null;
  #isHastened = false;
  /** Of a body that stays inline, outside the shared memory. */
  #outside: Hash | null = null;

  constructor(rounds: Md5Rounds) {
    this.#rounds = rounds;
    this.stream = rounds.begin();
  }

  get isEnding(): boolean {
    return this.#ending !== null;
  }

  get isTaken(): boolean {
    return this.#inputs.length === 0;
  }

  get isHastened(): boolean {
    return this.#isHastened;
  }

  next(): Md5Input | undefined {
    return this.#inputs.shift();
  }

  update(bytes: Buffer): Promise<void> | null {
    if (!this.#rounds.isInside(bytes)) {
      assert(this.stream.totalSizeBytes === 0 && this.#taking === null, "a body lies in one memory");
      this.#outside ??= createHash("md5");
      this.#outside.update(bytes);
      return null;
    }
    assert(this.#outside === null, "a body lies in one memory");
    this.#inputs.push({ stream: this.stream, offsetBytes: bytes.byteOffset, lengthBytes: bytes.byteLength });
    this.#taking ??= Promise.withResolvers();
    this.#rounds.join(this);
    return this.#taking.promise;
  }

  hasten(): void {
    if (this.isTaken && !this.isEnding) return;
    this.#isHastened = true;
    this.#rounds.hasten();
  }

  digest(): Promise<Buffer> {
    if (this.#outside !== null) return Promise.resolve(this.#outside.digest());
    this.#ending = Promise.withResolvers();
    this.#rounds.join(this);
    this.hasten();
    return this.#ending.promise;
  }

  end(): void {
    this.#inputs = [];
    this.leave();
  }

  /** Nothing of it waits. */
  leave(): void {
    this.#rounds.leave(this);
    this.#isHastened = false;
    this.#taking?.resolve();
    this.#taking = null;
  }

  finish(digest: Buffer): void {
    this.#ending?.resolve(digest);
  }
}
