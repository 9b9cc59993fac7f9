import { assert } from "@kakera/kernel";
import { inverse, multiply, power } from "./galois.ts";

/** A matrix over GF(2^8), row by row, one byte for each entry. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly entries: Uint8Array;
}

/** Entry (r, c) is r to the c. Any `columns` of its rows are independent, as long as there are at most 256. */
export function vandermonde(rows: number, columns: number): Matrix {
  const entries = Uint8Array.from({ length: rows * columns }, (_, i) => power(Math.floor(i / columns), i % columns));
  return { rows, columns, entries };
}

export function pickRows(matrix: Matrix, rows: readonly number[]): Matrix {
  const { columns } = matrix;
  const entries = new Uint8Array(rows.length * columns);
  rows.forEach((row, i) => entries.set(matrix.entries.subarray(row * columns, (row + 1) * columns), i * columns));
  return { rows: rows.length, columns, entries };
}

export function product(left: Matrix, right: Matrix): Matrix {
  assert(left.columns === right.rows, "the matrices fit");
  const entries = new Uint8Array(left.rows * right.columns);
  for (let row = 0; row < left.rows; row++) {
    for (let column = 0; column < right.columns; column++) {
      let sum = 0;
      for (let i = 0; i < left.columns; i++) {
        sum ^= multiply(left.entries[row * left.columns + i]!, right.entries[i * right.columns + column]!);
      }
      entries[row * right.columns + column] = sum;
    }
  }
  return { rows: left.rows, columns: right.columns, entries };
}

/** Gauss-Jordan elimination. The matrix is square and regular. */
export function invert(matrix: Matrix): Matrix {
  const size = matrix.rows;
  assert(size === matrix.columns, "only square matrices have an inverse");
  const work = Array.from({ length: size }, (_, row) => {
    const line = new Uint8Array(size * 2);
    line.set(matrix.entries.subarray(row * size, (row + 1) * size));
    line[size + row] = 1;
    return line;
  });
  for (let column = 0; column < size; column++) {
    const pivot = work.findIndex((line, row) => row >= column && line[column] !== 0);
    assert(pivot >= 0, "the matrix is regular");
    [work[column], work[pivot]] = [work[pivot]!, work[column]!];
    scale(work[column]!, inverse(work[column]![column]!));
    work.forEach((line, row) => {
      if (row !== column) addMultiple(line, work[column]!, line[column]!);
    });
  }
  const entries = new Uint8Array(size * size);
  work.forEach((line, row) => entries.set(line.subarray(size), row * size));
  return { rows: size, columns: size, entries };
}

function scale(line: Uint8Array, factor: number): void {
  for (let i = 0; i < line.length; i++) line[i] = multiply(line[i]!, factor);
}

function addMultiple(line: Uint8Array, other: Uint8Array, factor: number): void {
  for (let i = 0; i < line.length; i++) line[i]! ^= multiply(other[i]!, factor);
}
