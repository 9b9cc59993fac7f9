import { inRegion } from "./region";
import { nibbleMaskAt, nibbleTablesAt } from "./region-layout";

/** x * 2 in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D). */
function double(value: u32): u32 {
  return (value << 1) ^ (value & 0x80 ? 0x11d : 0);
}

/** Product in the field, bit by bit: only the tables are made with it. */
function multiplyBytes(left: u32, right: u32): u32 {
  let product: u32 = 0;
  for (let factor = left; right != 0; right >>= 1, factor = double(factor)) {
    if (right & 1) product ^= factor;
  }
  return product;
}

export function fillNibbleTables(): void {
  v128.store(inRegion(nibbleMaskAt), i8x16.splat(0x0f));
  for (let coefficient: u32 = 0; coefficient < 256; coefficient++) {
    const table = inRegion(nibbleTablesAt + coefficient * 32);
    for (let nibble: u32 = 0; nibble < 16; nibble++) {
      store<u8>(table + nibble, multiplyBytes(coefficient, nibble) as u8);
      store<u8>(table + 16 + nibble, multiplyBytes(coefficient, nibble << 4) as u8);
    }
  }
}
