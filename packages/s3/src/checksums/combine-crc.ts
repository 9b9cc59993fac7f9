import { assert } from "@kakera/kernel";

/** The CRCs that can be combined without their bytes. */
export type CrcAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME";

/** A polynomial over GF(2) modulo the CRC's own, reflected: the highest bit of the width is x^0. Two halves of 32 bits. */
interface Polynomial {
  readonly high: number;
  readonly low: number;
}

interface Field {
  readonly widthBits: 32 | 64;
  readonly modulus: Polynomial;
}

const fields: Readonly<Record<CrcAlgorithm, Field>> = {
  CRC32: { widthBits: 32, modulus: { high: 0, low: 0xedb88320 | 0 } },
  CRC32C: { widthBits: 32, modulus: { high: 0, low: 0x82f63b78 | 0 } },
  CRC64NVME: { widthBits: 64, modulus: { high: 0x9a6c9329 | 0, low: 0xac4bc9b5 | 0 } },
};

export interface CrcOfPart {
  /** Raw digest, big-endian: 4 or 8 bytes. */
  readonly digest: Buffer;
  readonly sizeBytes: number;
}

/**
 * The CRC of the parts' bytes one after another. Appending n bytes multiplies the CRC so far by x^8n, and the CRC of those bytes is
 * added; what the all-ones start and end contribute cancels out.
 */
export function combineCrcs(algorithm: CrcAlgorithm, parts: readonly CrcOfPart[]): Buffer {
  const field = fields[algorithm];
  let crc: Polynomial = { high: 0, low: 0 };
  let shift: Polynomial = crc;
  let shiftBytes = -1;
  for (const part of parts) {
    // Parts are nearly all of one size.
    if (part.sizeBytes !== shiftBytes) {
      shiftBytes = part.sizeBytes;
      shift = powerOfX(field, part.sizeBytes * 8);
    }
    const own = fromDigest(field, part.digest);
    const shifted = multiply(field, shift, crc);
    crc = { high: shifted.high ^ own.high, low: shifted.low ^ own.low };
  }
  return toDigest(field, crc);
}

/** x^exponent, by squaring. `exponent`: up to 2^53. */
function powerOfX(field: Field, exponent: number): Polynomial {
  let power = monomial(field, 0);
  let square = monomial(field, 1);
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(field, power, square);
    square = multiply(field, square, square);
  }
  return power;
}

/** x^0 or x^1 */
function monomial(field: Field, exponent: 0 | 1): Polynomial {
  const bit = (1 << (31 - exponent)) | 0;
  return field.widthBits === 64 ? { high: bit, low: 0 } : { high: 0, low: bit };
}

function multiply(field: Field, a: Polynomial, b: Polynomial): Polynomial {
  let high = 0;
  let low = 0;
  let { high: factorHigh, low: factorLow } = b;
  for (let bit = field.widthBits - 1; bit >= 0; bit--) {
    const isSet = bit >= 32 ? (a.high >>> (bit - 32)) & 1 : (a.low >>> bit) & 1;
    if (isSet === 1) {
      high ^= factorHigh;
      low ^= factorLow;
    }
    const isOdd = (factorLow & 1) === 1;
    factorLow = (factorLow >>> 1) | (factorHigh << 31);
    factorHigh >>>= 1;
    if (isOdd) {
      factorHigh ^= field.modulus.high;
      factorLow ^= field.modulus.low;
    }
  }
  return { high, low };
}

function fromDigest(field: Field, digest: Buffer): Polynomial {
  assert(digest.length * 8 === field.widthBits, "a digest is as wide as its CRC");
  return field.widthBits === 64
    ? { high: digest.readInt32BE(0), low: digest.readInt32BE(4) }
    : { high: 0, low: digest.readInt32BE(0) };
}

function toDigest(field: Field, crc: Polynomial): Buffer {
  const digest = Buffer.alloc(field.widthBits / 8);
  if (field.widthBits === 64) digest.writeInt32BE(crc.high, 0);
  digest.writeInt32BE(crc.low, digest.length - 4);
  return digest;
}
