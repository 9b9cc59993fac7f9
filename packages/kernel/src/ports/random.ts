/** Randomness: ids and jitter. Cryptographically strong in production, seeded in tests. */
export interface Random {
  /** `count` fresh bytes. */
  bytes(count: number): Uint8Array;
  /** A number in [0, 1). */
  fraction(): number;
}
