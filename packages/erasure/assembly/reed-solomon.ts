import { inRegion } from "./region";
import { coefficientsAt, inputsAt, nibbleTablesAt, outputsAt, planAt } from "./region-layout";
import { agreesRow, fillRow, fillTwoRows } from "./row-loops";

/** Rows are done a tile at a time, so that the input is still in the first caches for the next group of rows. */
const tileSizeBytes: usize = 4096;
const rowsPerGroupMax: u32 = 2;

/** outputs[r] = sum over j of coefficients[r][j] * inputs[j], for `size` bytes. No output overlaps another shard. */
export function multiply(k: u32, rows: u32, size: usize): void {
  planTables(k, rows);
  for (let at: usize = 0; at < size; at += tileSizeBytes) {
    const end = min(at + tileSizeBytes, size);
    let tables = inRegion(planAt);
    for (let row: u32 = 0; row < rows; row += rowsPerGroupMax) {
      const count = min(rows - row, rowsPerGroupMax);
      const outputs = inRegion(outputsAt + row * 4);
      if (count == 2) fillTwoRows(k, tables, outputs, at, end);
      else fillRow(k, tables, outputs, at, end);
      tables += k * count * 32;
    }
  }
}

/** 1 when `multiply` would leave every output as it is. */
export function agrees(k: u32, rows: u32, size: usize): u32 {
  for (let row: u32 = 0; row < rows; row++) {
    planTablesOfGroup(k, row, 1, inRegion(planAt) + row * k * 32);
  }
  for (let at: usize = 0; at < size; at += tileSizeBytes) {
    const end = min(at + tileSizeBytes, size);
    for (let row: u32 = 0; row < rows; row++) {
      const tables = inRegion(planAt) + row * k * 32;
      if (!agreesRow(k, tables, inRegion(outputsAt + row * 4), at, end)) return 0;
    }
  }
  return 1;
}

function planTables(k: u32, rows: u32): void {
  let to = inRegion(planAt);
  for (let row: u32 = 0; row < rows; row += rowsPerGroupMax) {
    const count = min(rows - row, rowsPerGroupMax);
    planTablesOfGroup(k, row, count, to);
    to += k * count * 32;
  }
}

/** Lays the tables of rows [row, row + count) out as the inner loop meets them: input by input, row by row. */
function planTablesOfGroup(k: u32, row: u32, count: u32, to: usize): void {
  for (let j: u32 = 0; j < k; j++) {
    for (let r = row; r < row + count; r++) {
      const coefficient = load<u8>(inRegion(coefficientsAt + r * k + j)) as u32;
      const from = inRegion(nibbleTablesAt + coefficient * 32);
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      to += 32;
    }
  }
}
