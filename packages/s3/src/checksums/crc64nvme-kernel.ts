import { assembleModule, op } from "./wasm-assembler.ts";

/**
 * CRC-64/NVME of up to {@link inputBytesMax} bytes at a time, as WebAssembly: 64-bit integers are two halves in JavaScript, which makes
 * it three times as slow. The module is some 500 bytes, written here rather than built, so that it needs no tool and loads synchronously.
 * One instance serves all streams: each brings its state and takes it away again.
 */
export interface Crc64Kernel {
  /** Advances `state` (high and low half) by `bytes`. */
  update(state: Uint32Array, bytes: Uint8Array): void;
}

const pageBytes = 65_536;
const slices = 16;
const tableBytes = 256 * 8;
const stateAt = slices * tableBytes;
const inputAt = stateAt + 16;
const inputBytesMax = 65_536;
const memoryPages = Math.ceil((inputAt + inputBytesMax) / pageBytes);

let kernel: Crc64Kernel | null = null;

/** Made at the first use, and kept: it has no state of its own between calls. */
export function crc64Kernel(): Crc64Kernel {
  kernel ??= instantiate();
  return kernel;
}

function instantiate(): Crc64Kernel {
  const module = new WebAssembly.Module(
    assembleModule({ parameterCount: 1, i32Locals: 2, i64Locals: 3, code: updateCode() }, memoryPages),
  );
  const exports = new WebAssembly.Instance(module, {}).exports as {
    memory: WebAssembly.Memory;
    run: (lengthBytes: number) => void;
  };
  const { buffer } = exports.memory;
  fillTables(new BigUint64Array(buffer, 0, slices * 256));
  const state = new Uint32Array(buffer, stateAt, 2);
  const input = new Uint8Array(buffer, inputAt, inputBytesMax);
  return {
    update(streamState, bytes) {
      // Little-endian: the low half comes first.
      state[0] = streamState[1]!;
      state[1] = streamState[0]!;
      for (let start = 0; start < bytes.length; start += inputBytesMax) {
        const piece = bytes.subarray(start, start + inputBytesMax);
        input.set(piece);
        exports.run(piece.length);
      }
      streamState[1] = state[0]!;
      streamState[0] = state[1]!;
    },
  };
}

const reflectedPolynomial = 0x9a6c9329ac4bc9b5n;

/** Table t, entry n: the CRC of byte n followed by t zero bytes. */
function fillTables(tables: BigUint64Array): void {
  for (let n = 0; n < 256; n++) {
    let crc = BigInt(n);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ reflectedPolynomial : crc >> 1n;
    tables[n] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256]!;
    tables[i] = (before >> 8n) ^ tables[Number(before & 255n)]!;
  }
}

// Parameter and locals of the function.
const length = 0;
const at = 1;
const end = 2;
const crc = 3;
const firstWord = 4;
const secondWord = 5;

/** crc = state; 16 bytes at a time through all tables, then the rest byte by byte; state = crc. */
function updateCode(): number[] {
  const setEnd = (mask: number): number[] => [
    ...op.localGet(length),
    ...op.i32Const(mask),
    ...op.i32And,
    ...op.i32Const(inputAt),
    ...op.i32Add,
    ...op.localSet(end),
  ];
  const step = (bytes: number): number[] => [
    ...op.localGet(at),
    ...op.i32Const(bytes),
    ...op.i32Add,
    ...op.localSet(at),
  ];
  const leaveAtEnd = [...op.localGet(at), ...op.localGet(end), ...op.i32GeU, ...op.brIf(1)];
  const sixteenBytes = [
    ...op.localGet(crc),
    ...op.localGet(at),
    ...op.i64Load(0),
    ...op.i64Xor,
    ...op.localSet(firstWord),
    ...op.localGet(at),
    ...op.i64Load(8),
    ...op.localSet(secondWord),
    ...lookUps(firstWord, 8),
    ...lookUps(secondWord, 0),
    ...op.i64Xor,
    ...op.localSet(crc),
  ];
  const oneByte = [
    ...op.localGet(crc),
    ...op.localGet(at),
    ...op.i64Load8U(0),
    ...op.i64Xor,
    ...op.localSet(firstWord),
    ...lookUp(firstWord, { byte: 0, table: 0 }),
    ...op.localGet(crc),
    ...op.i64Const(8),
    ...op.i64ShrU,
    ...op.i64Xor,
    ...op.localSet(crc),
  ];
  const repeat = (body: readonly number[]): number[] => [
    ...op.block,
    ...op.loop,
    ...leaveAtEnd,
    ...body,
    ...op.br(0),
    ...op.end,
    ...op.end,
  ];
  return [
    ...op.i32Const(0),
    ...op.i64Load(stateAt),
    ...op.localSet(crc),
    ...op.i32Const(inputAt),
    ...op.localSet(at),
    ...setEnd(-slices),
    ...repeat([...sixteenBytes, ...step(slices)]),
    ...setEnd(-1),
    ...repeat([...oneByte, ...step(1)]),
    ...op.i32Const(0),
    ...op.localGet(crc),
    ...op.i64Store(stateAt),
  ];
}

/** The eight bytes of a word through eight tables; the first byte has the most zero bytes behind it. */
function lookUps(word: number, lowestTable: number): number[] {
  const code: number[] = [];
  for (let byte = 0; byte < 8; byte++) {
    code.push(...lookUp(word, { byte, table: lowestTable + 7 - byte }));
    if (byte > 0) code.push(...op.i64Xor);
  }
  return code;
}

/** tables[table][byte of word]: the byte, times the eight bytes of an entry, is the address. */
function lookUp(word: number, place: { readonly byte: number; readonly table: number }): number[] {
  const shift = place.byte * 8 - 3;
  const shifted = shift < 0 ? [...op.i64Const(-shift), ...op.i64Shl] : [...op.i64Const(shift), ...op.i64ShrU];
  return [
    ...op.localGet(word),
    ...shifted,
    ...op.i32WrapI64,
    ...op.i32Const(255 * 8),
    ...op.i32And,
    ...op.i64Load(place.table * tableBytes),
  ];
}
