/** One block of pseudo-random bytes; every body is a window of it, so a byte from another key or place shows. */
const blockSizeBytes = 80 << 20;
let block: Buffer | null = null;

/** 80 MiB, the same in every process. */
export function patternBlock(): Buffer {
  if (block !== null) return block;
  block = Buffer.allocUnsafe(blockSizeBytes);
  const words = new Uint32Array(block.buffer, block.byteOffset, blockSizeBytes / 4);
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return block;
}

/** The body of `key`: `sizeBytes` (at most 64 MiB) of the block from an offset that the key decides. A view, not a copy. */
export function patternFor(key: string, sizeBytes: number): Buffer {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  const offset = ((hash >>> 0) % (12 << 20)) & ~7;
  return patternBlock().subarray(offset, offset + sizeBytes);
}
