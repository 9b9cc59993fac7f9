import type { Geometry } from "@kakera/kernel";
import { invert, pickRows, product, vandermonde, type Matrix } from "./matrix.ts";

const recoveriesMax = 256;

/** The matrices of every geometry and loss met, the recent ones kept: an inversion costs more than decoding 64 KiB. */
export interface CodingMatrices {
  /** m rows of k: row r gives parity shard k + r from the data shards. */
  parity(geometry: Geometry): Matrix;
  /**
   * k+m rows of k: row i gives shard i from the k shards in `inputMask` (bit i set: shard i is an input), in ascending order.
   */
  recovery(geometry: Geometry, inputMask: number): Matrix;
}

export function createCodingMatrices(): CodingMatrices {
  const generators = new Map<number, Matrix>();
  const parities = new Map<number, Matrix>();
  const recoveries = new Map<number, Matrix>();

  const generator = (geometry: Geometry): Matrix => {
    const key = geometryKey(geometry);
    return generators.get(key) ?? remember(generators, key, generatorMatrix(geometry));
  };
  return {
    parity(geometry) {
      const key = geometryKey(geometry);
      return (
        parities.get(key) ??
        remember(parities, key, pickRows(generator(geometry), range(geometry.k, geometry.k + geometry.m)))
      );
    },
    recovery(geometry, inputMask) {
      // 12 bits of geometry and 32 of mask: still an exact number.
      const key = geometryKey(geometry) * 2 ** 32 + (inputMask >>> 0);
      const known = recoveries.get(key);
      if (known !== undefined) {
        recoveries.delete(key);
        return remember(recoveries, key, known);
      }
      if (recoveries.size >= recoveriesMax) recoveries.delete(recoveries.keys().next().value!);
      return remember(recoveries, key, recoveryMatrix(generator(geometry), inputMask));
    },
  };
}

/**
 * The generator: a Vandermonde matrix times the inverse of its own top square, so that the first k rows are the identity and
 * any k rows are independent. The same as in the Rust crate reed-solomon-erasure (and Backblaze's JavaReedSolomon).
 */
function generatorMatrix({ k, m }: Geometry): Matrix {
  const raw = vandermonde(k + m, k);
  return product(raw, invert(pickRows(raw, range(0, k))));
}

function recoveryMatrix(generator: Matrix, inputMask: number): Matrix {
  const inputs = range(0, generator.rows).filter((shard) => (inputMask >>> shard) & 1);
  return product(generator, invert(pickRows(generator, inputs)));
}

function geometryKey({ k, m }: Geometry): number {
  return k * 64 + m;
}

function remember<V>(map: Map<number, V>, key: number, value: V): V {
  map.set(key, value);
  return value;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
