export const md5BlockBytes = 64;

const initialWords = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];

/** One MD5 in progress. Made by `Md5.begin`, fed by `Md5.update`, ended by `Md5.finish`; opaque to everyone else. */
export class Md5Stream {
  /** a, b, c and d between blocks. */
  readonly words = Uint32Array.from(initialWords);
  /** The last bytes, fewer than a block, that wait for more. */
  readonly tail = new Uint8Array(md5BlockBytes);
  tailSizeBytes = 0;
  totalSizeBytes = 0;
  isFinished = false;
}
