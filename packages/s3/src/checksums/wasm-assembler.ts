/** WebAssembly instructions as bytes, as far as the CRC kernel needs them. Names and encodings are those of the specification. */
export const op = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  br: (depth: number) => [0x0c, ...unsigned(depth)],
  brIf: (depth: number) => [0x0d, ...unsigned(depth)],
  localGet: (index: number) => [0x20, ...unsigned(index)],
  localSet: (index: number) => [0x21, ...unsigned(index)],
  i32Const: (value: number) => [0x41, ...signed(value)],
  i64Const: (value: number) => [0x42, ...signed(value)],
  i32GeU: [0x4f],
  i32Add: [0x6a],
  i32And: [0x71],
  i64And: [0x83],
  i64Xor: [0x85],
  i64Shl: [0x86],
  i64ShrU: [0x88],
  i32WrapI64: [0xa7],
  i64Load: (offset: number) => [0x29, 3, ...unsigned(offset)],
  i64Load8U: (offset: number) => [0x31, 0, ...unsigned(offset)],
  i64Store: (offset: number) => [0x37, 3, ...unsigned(offset)],
} as const;

export interface FunctionSource {
  /** All are i32. */
  readonly parameterCount: number;
  /** Locals behind the parameters. */
  readonly i32Locals: number;
  readonly i64Locals: number;
  readonly code: readonly number[];
}

const magicAndVersion = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A module of one function, exported as `run`, and one memory of a fixed size, exported as `memory`. */
export function assembleModule(source: FunctionSource, memoryPages: number): Uint8Array<ArrayBuffer> {
  const i32 = 0x7f;
  const i64 = 0x7e;
  const type = [0x60, ...list(Array.from({ length: source.parameterCount }, () => [i32])), 0];
  const locals = list([
    [...unsigned(source.i32Locals), i32],
    [...unsigned(source.i64Locals), i64],
  ]);
  const body = [...locals, ...source.code, ...op.end];
  return Uint8Array.from([
    ...magicAndVersion,
    ...section(1, list([type])),
    ...section(3, list([[0]])),
    ...section(5, list([[0x01, ...unsigned(memoryPages), ...unsigned(memoryPages)]])),
    ...section(
      7,
      list([
        [...name("memory"), 0x02, 0],
        [...name("run"), 0x00, 0],
      ]),
    ),
    ...section(10, list([[...unsigned(body.length), ...body]])),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function list(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function name(text: string): number[] {
  return [...unsigned(text.length), ...Buffer.from(text, "latin1")];
}

/** LEB128 */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

/** Signed LEB128 of a 32-bit integer. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    if (rest >= -64 && rest < 64) return [...bytes, rest & 0x7f];
    bytes.push((rest & 0x7f) | 0x80);
  }
}
