import { assert, ClusterFailure, formatGeometry, shardsPerChunkMax, type Geometry } from "@kakera/kernel";
import { createCodingMatrices, type CodingMatrices } from "./coding-matrices.ts";
import { checkRange, type Kernel } from "./kernel.ts";
import type { Matrix } from "./matrix.ts";

/** The k+m shards of one call: offsets into the memory, each the start of `shardSizeBytes` bytes. */
export interface Shards {
  readonly geometry: Geometry;
  readonly shardSizeBytes: number;
  readonly shardOffsets: readonly number[];
}

/** Erasure coding by the kernel. Contracts: Codec. */
export class ReedSolomon {
  readonly #kernel: Kernel;
  readonly #matrices: CodingMatrices = createCodingMatrices();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  encode(shards: Shards): void {
    if (this.#loadParity(shards)) this.#fill(shards, shards.geometry.m);
  }

  verify(shards: Shards): boolean {
    if (!this.#loadParity(shards)) return true;
    const { geometry, shardSizeBytes } = shards;
    return this.#kernel.call.agrees(geometry.k, geometry.m, shardSizeBytes) === 1;
  }

  reconstruct(shards: Shards, isPresent: readonly boolean[], wanted?: readonly number[]): void {
    const { geometry, shardOffsets } = shards;
    checkShape(shards);
    assert(isPresent.length === shardOffsets.length, "there is one flag for each shard");
    const inputMask = this.#chooseInputs(shards, isPresent);
    let rows = 0;
    for (let shard = 0; shard < shardOffsets.length; shard++) {
      if (isPresent[shard] || (wanted !== undefined && !wanted.includes(shard))) continue;
      this.#setOutput(shards, rows, shard);
      this.#setRow(rows, this.#matrices.recovery(geometry, inputMask), shard);
      rows++;
    }
    if (rows > 0 && shards.shardSizeBytes > 0) this.#fill(shards, rows);
  }

  /** Lays inputs, outputs and matrix out for parity; false when there is nothing to do. */
  #loadParity(shards: Shards): boolean {
    const { k, m } = shards.geometry;
    checkShape(shards);
    for (let i = 0; i < k; i++) this.#setInput(shards, i, i);
    for (let i = 0; i < m; i++) this.#setOutput(shards, i, k + i);
    this.#kernel.coefficients.set(this.#matrices.parity(shards.geometry).entries);
    return m > 0 && shards.shardSizeBytes > 0;
  }

  /** The first k present shards become the inputs: data shards first, as their rows are the simplest. */
  #chooseInputs(shards: Shards, isPresent: readonly boolean[]): number {
    const { k } = shards.geometry;
    let mask = 0;
    let count = 0;
    for (let shard = 0; shard < isPresent.length && count < k; shard++) {
      if (!isPresent[shard]) continue;
      this.#setInput(shards, count, shard);
      mask |= 1 << shard;
      count++;
    }
    if (count < k) {
      throw new ClusterFailure(
        "repair",
        `${count} shards of a ${formatGeometry(shards.geometry)} chunk are too few to rebuild it`,
      );
    }
    return mask;
  }

  #setInput(shards: Shards, index: number, shard: number): void {
    const offset = shards.shardOffsets[shard]!;
    checkRange(this.#kernel, offset, shards.shardSizeBytes);
    this.#kernel.inputs[index] = offset;
  }

  #setOutput(shards: Shards, index: number, shard: number): void {
    const offset = shards.shardOffsets[shard]!;
    checkRange(this.#kernel, offset, shards.shardSizeBytes);
    this.#kernel.outputs[index] = offset;
  }

  #setRow(index: number, matrix: Matrix, row: number): void {
    const { columns, entries } = matrix;
    for (let i = 0; i < columns; i++) this.#kernel.coefficients[index * columns + i] = entries[row * columns + i]!;
  }

  #fill({ geometry, shardSizeBytes }: Shards, rows: number): void {
    const { call, inputs, outputs } = this.#kernel;
    checkOverlap(this.#kernel, { k: geometry.k, rows, shardSizeBytes });
    if (geometry.k > 1) return call.multiply(geometry.k, rows, shardSizeBytes);
    for (let i = 0; i < rows; i++) call.copy(outputs[i]!, inputs[0]!, shardSizeBytes);
  }
}

function checkShape({ geometry, shardSizeBytes, shardOffsets }: Shards): void {
  const { k, m } = geometry;
  assert(k >= 1 && m >= 0 && k + m <= shardsPerChunkMax, "the geometry is within bounds");
  assert(shardOffsets.length === k + m, "there is one offset for each shard");
  assert(Number.isInteger(shardSizeBytes) && shardSizeBytes >= 0, "the shard size is a whole number");
}

/** An output over an input, or over another output, would be wrong without a sign. */
function checkOverlap(
  { inputs, outputs }: Kernel,
  { k, rows, shardSizeBytes }: { k: number; rows: number; shardSizeBytes: number },
): void {
  for (let row = 0; row < rows; row++) {
    const output = outputs[row]!;
    for (let i = 0; i < k; i++) assert(Math.abs(inputs[i]! - output) >= shardSizeBytes, "shards do not overlap");
    for (let i = 0; i < row; i++) assert(Math.abs(outputs[i]! - output) >= shardSizeBytes, "shards do not overlap");
  }
}
