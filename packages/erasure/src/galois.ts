// GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D), for matrices, where speed does not matter. Shards are multiplied by the kernel.

export function multiply(left: number, right: number): number {
  let product = 0;
  for (let factor = left, rest = right; rest !== 0; rest >>= 1) {
    if (rest & 1) product ^= factor;
    factor = factor & 0x80 ? (factor << 1) ^ 0x11d : factor << 1;
  }
  return product;
}

/** `base` to the `exponent`; 0 to the 0 is 1. */
export function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = multiply(result, base);
  return result;
}

/** `value` is not zero: its powers repeat after 255. */
export function inverse(value: number): number {
  return power(value, 254);
}
