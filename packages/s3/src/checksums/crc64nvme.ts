/**
 * CRC-64/NVME: reflected, polynomial 0xad93d23594c93659, all ones before and after. 64-bit integers are two halves here, because
 * BigInt is some fifty times slower. Eight table look-ups take eight bytes at once.
 */
const polynomialHigh = 0x9a6c9329 | 0;
const polynomialLow = 0xac4bc9b5 | 0;
const slices = 8;

interface Tables {
  readonly high: Int32Array;
  readonly low: Int32Array;
}

// Table t, entry n: the CRC of byte n followed by t zero bytes.
const tables = makeTables();

/** The running CRC of one stream. */
export class Crc64Nvme {
  #high = -1;
  #low = -1;

  update(bytes: Uint8Array): void {
    const { high: tableHigh, low: tableLow } = tables;
    let high = this.#high;
    let low = this.#low;
    const wholeBytes = bytes.length - (bytes.length % slices);
    let i = 0;
    for (; i < wholeBytes; i += slices) {
      const a = low ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
      const b = high ^ (bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24));
      const e7 = 1792 + (a & 255);
      const e6 = 1536 + ((a >>> 8) & 255);
      const e5 = 1280 + ((a >>> 16) & 255);
      const e4 = 1024 + (a >>> 24);
      const e3 = 768 + (b & 255);
      const e2 = 512 + ((b >>> 8) & 255);
      const e1 = 256 + ((b >>> 16) & 255);
      const e0 = b >>> 24;
      low =
        tableLow[e7]! ^
        tableLow[e6]! ^
        tableLow[e5]! ^
        tableLow[e4]! ^
        tableLow[e3]! ^
        tableLow[e2]! ^
        tableLow[e1]! ^
        tableLow[e0]!;
      high =
        tableHigh[e7]! ^
        tableHigh[e6]! ^
        tableHigh[e5]! ^
        tableHigh[e4]! ^
        tableHigh[e3]! ^
        tableHigh[e2]! ^
        tableHigh[e1]! ^
        tableHigh[e0]!;
    }
    for (; i < bytes.length; i++) {
      const entry = (low ^ bytes[i]!) & 255;
      low = ((low >>> 8) | (high << 24)) ^ tableLow[entry]!;
      high = (high >>> 8) ^ tableHigh[entry]!;
    }
    this.#high = high;
    this.#low = low;
  }

  /** 8 bytes, big-endian. */
  digest(): Buffer {
    const digest = Buffer.allocUnsafe(8);
    digest.writeInt32BE(~this.#high, 0);
    digest.writeInt32BE(~this.#low, 4);
    return digest;
  }
}

function makeTables(): Tables {
  const high = new Int32Array(256 * slices);
  const low = new Int32Array(256 * slices);
  for (let n = 0; n < 256; n++) {
    let h = 0;
    let l = n;
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (l & 1) === 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (isOdd) {
        h ^= polynomialHigh;
        l ^= polynomialLow;
      }
    }
    high[n] = h;
    low[n] = l;
  }
  for (let i = 256; i < 256 * slices; i++) {
    const entry = low[i - 256]! & 255;
    low[i] = ((low[i - 256]! >>> 8) | (high[i - 256]! << 24)) ^ low[entry]!;
    high[i] = (high[i - 256]! >>> 8) ^ high[entry]!;
  }
  return { high, low };
}
