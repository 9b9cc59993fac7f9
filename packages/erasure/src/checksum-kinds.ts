/**
 * How a record's blocks are checked: one byte in its header. A reader refuses a kind that it does not know.
 * - `xxh3` (1): XXH3-64 of each 64 KiB block, seeded with shardSeed + block number, 8 bytes little-endian.
 */
export const checksumKinds = { xxh3: 1 } as const;
