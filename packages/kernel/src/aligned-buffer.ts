const pageBytes = 65_536;

/** What O_DIRECT asks of positions, lengths and buffers. */
export const directAlignmentBytes = 4096;

/**
 * A buffer that O_DIRECT accepts. Only a WebAssembly.Memory is sure to lie at a page's start, and one that cannot grow is
 * never detached under a write. Takes whole pages of 64 KiB, and some GiB of address space: keep it and use it again.
 */
export function alignedBuffer(sizeBytes: number): Buffer {
  const pages = Math.ceil(sizeBytes / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return Buffer.from(memory.buffer, 0, sizeBytes);
}

/** Whether O_DIRECT may write straight from it: part of a shared memory, at a multiple of 4 KiB. */
export function isAligned(bytes: Uint8Array): boolean {
  return bytes.buffer instanceof SharedArrayBuffer && bytes.byteOffset % directAlignmentBytes === 0;
}
