import { createHash, type Hash } from "node:crypto";
import type { Md5, Md5Input, Md5Stream, SharedMemory } from "@kakera/erasure";
import { assert, type Clock } from "@kakera/kernel";
import type { BodyHasher } from "./body-hasher.ts";

export interface LaneMd5Parts {
  readonly md5: Md5;
  readonly memory: Pick<SharedMemory, "memory">;
  readonly clock: Clock;
}

/**
 * MD5 of all bodies under way, side by side in the kernel's lanes: what has arrived of them is hashed when the event loop has
 * handled what it had at hand, and the writes that it led to are on their way. The more arrives at once, the less each costs.
 */
export function createLaneMd5(parts: LaneMd5Parts): () => BodyHasher {
  const rounds = new Md5Rounds(parts);
  return () => new LaneHasher(rounds);
}

class Md5Rounds {
  readonly #parts: LaneMd5Parts;
  #waiting = new Set<LaneHasher>();

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
    const { clock } = this.#parts;
    // At the end of this turn the writes are begun that its bodies wait for: those fly meanwhile.
    if (this.#waiting.size === 0) clock.atTurnEnd(() => clock.atTurnEnd(() => this.#run()));
    this.#waiting.add(hasher);
  }

  #run(): void {
    const { md5 } = this.#parts;
    const hashers = [...this.#waiting];
    this.#waiting.clear();
    // A body's ranges come one after the other, those of different bodies side by side.
    for (let nth = 0; ; nth++) {
      const inputs = hashers.flatMap((hasher) => hasher.input(nth) ?? []);
      if (inputs.length === 0) break;
      md5.update(inputs);
    }
    const ended = hashers.filter((hasher) => hasher.isEnding);
    const digests = md5.finish(ended.map((hasher) => hasher.stream));
    for (const hasher of hashers) hasher.taken();
    for (const [index, hasher] of ended.entries()) hasher.ended(digests[index] as Buffer);
  }
}

class LaneHasher implements BodyHasher {
  readonly stream: Md5Stream;
  readonly #rounds: Md5Rounds;
  #inputs: Md5Input[] = [];
  #taking: PromiseWithResolvers<void> | null = null;
  #ending: PromiseWithResolvers<Buffer> | null = null;
  /** Of a body that stays inline, outside the shared memory. */
  #outside: Hash | null = null;

  constructor(rounds: Md5Rounds) {
    this.#rounds = rounds;
    this.stream = rounds.begin();
  }

  get isEnding(): boolean {
    return this.#ending !== null;
  }

  input(nth: number): Md5Input | undefined {
    return this.#inputs[nth];
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

  digest(): Promise<Buffer> {
    if (this.#outside !== null) return Promise.resolve(this.#outside.digest());
    this.#ending = Promise.withResolvers();
    this.#rounds.join(this);
    return this.#ending.promise;
  }

  taken(): void {
    this.#inputs = [];
    this.#taking?.resolve();
    this.#taking = null;
  }

  ended(digest: Buffer): void {
    this.#ending?.resolve(digest);
  }
}
