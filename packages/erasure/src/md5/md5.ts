import { assert } from "@kakera/kernel";
import type { ByteRange } from "../block-checksums.ts";
import type { CodecMemory, CodecSettings } from "../codec.ts";
import { kernelModule } from "../drivers/kernel-module.ts";
import { checkRange, startKernel, type Kernel } from "../kernel.ts";
import { Md5Lanes, type Md5Run } from "./md5-lanes.ts";
import { md5BlockBytes, Md5Stream } from "./md5-stream.ts";

/**
 * MD5 (RFC 1321) of many bodies at once, on bytes where they lie in the shared memory, synchronous. One stream alone goes as fast
 * as OpenSSL's; two to four share the time of one and a half, five to eight that of less than two. So it pays to collect what
 * concurrent requests have ready and to hand it over in one call.
 */
export interface Md5 {
  begin(): Md5Stream;
  /** The next bytes of each stream, of any lengths. No stream is named twice in one call. */
  update(inputs: readonly Md5Input[]): void;
  /** The 16-byte digests, in order. The streams are over then. */
  finish(streams: readonly Md5Stream[]): Buffer[];
}

export interface Md5Input extends ByteRange {
  readonly stream: Md5Stream;
}

/** As `createCodec`, whose region it may share in one thread. */
export function createMd5(memory: CodecMemory, settings: CodecSettings = {}): Md5 {
  const kernel = startKernel(kernelModule(), memory.memory, settings.regionOffsetBytes ?? 0);
  const lanes = new Md5Lanes(kernel);
  const bytes = new Uint8Array(memory.memory.buffer);
  return {
    begin: () => new Md5Stream(),
    update(inputs) {
      checkInputs(kernel, inputs);
      // Three passes, each side by side over all streams: what completes a waiting block, whole blocks in place, what is left.
      const rests = inputs.map((input) => fillTail(bytes, input));
      const full = inputs.map(({ stream }) => stream).filter((stream) => stream.tailSizeBytes === md5BlockBytes);
      lanes.hashCopies(full.map((stream) => ({ stream, bytes: stream.tail })));
      for (const stream of full) stream.tailSizeBytes = 0;
      const runs = rests.map(wholeBlocks);
      lanes.hash(runs);
      rests.forEach(({ stream, offsetBytes, lengthBytes }, i) => {
        const doneBytes = runs[i]!.blocks * md5BlockBytes;
        fillTail(bytes, { stream, offsetBytes: offsetBytes + doneBytes, lengthBytes: lengthBytes - doneBytes });
      });
    },
    finish(streams) {
      lanes.hashCopies(
        streams.map((stream) => {
          assert(!stream.isFinished, "a stream is finished once");
          stream.isFinished = true;
          return { stream, bytes: paddedEnd(stream) };
        }),
      );
      return streams.map(digestOf);
    },
  };
}

function checkInputs(kernel: Kernel, inputs: readonly Md5Input[]): void {
  assert(new Set(inputs.map(({ stream }) => stream)).size === inputs.length, "no stream is named twice");
  for (const { stream, offsetBytes, lengthBytes } of inputs) {
    assert(!stream.isFinished, "the stream is not finished");
    checkRange(kernel, offsetBytes, lengthBytes);
    stream.totalSizeBytes += lengthBytes;
  }
}

/**
 * Moves bytes into the stream's tail when it already waits for some, or when the input is less than a block, as far as they fit.
 * Gives what is left of the input.
 */
function fillTail(bytes: Uint8Array, input: Md5Input): Md5Input {
  const { stream, offsetBytes, lengthBytes } = input;
  if (stream.tailSizeBytes === 0 && lengthBytes >= md5BlockBytes) return input;
  const taken = Math.min(md5BlockBytes - stream.tailSizeBytes, lengthBytes);
  stream.tail.set(bytes.subarray(offsetBytes, offsetBytes + taken), stream.tailSizeBytes);
  stream.tailSizeBytes += taken;
  return { stream, offsetBytes: offsetBytes + taken, lengthBytes: lengthBytes - taken };
}

function wholeBlocks({ stream, offsetBytes, lengthBytes }: Md5Input): Md5Run {
  return { stream, offsetBytes, blocks: Math.floor(lengthBytes / md5BlockBytes) };
}

/** The waiting bytes, a one bit, zeros, and the length in bits: one block, or two when it does not fit. */
function paddedEnd({ tail, tailSizeBytes, totalSizeBytes }: Md5Stream): Buffer {
  const end = Buffer.alloc(tailSizeBytes < md5BlockBytes - 8 ? md5BlockBytes : 2 * md5BlockBytes);
  end.set(tail.subarray(0, tailSizeBytes));
  end[tailSizeBytes] = 0x80;
  end.writeUInt32LE((totalSizeBytes % 2 ** 29) * 8, end.byteLength - 8);
  end.writeUInt32LE(Math.floor(totalSizeBytes / 2 ** 29) % 2 ** 32, end.byteLength - 4);
  return end;
}

function digestOf({ words }: Md5Stream): Buffer {
  const digest = Buffer.allocUnsafe(16);
  words.forEach((word, i) => digest.writeUInt32LE(word, i * 4));
  return digest;
}
