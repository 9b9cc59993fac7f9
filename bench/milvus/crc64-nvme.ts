/** CRC-64/NVME (reflected polynomial 9A6C9329AC4BC9B5), which the AWS SDKs of 2025 and later send by default. */
export interface Crc64 {
  update(bytes: Buffer): Crc64;
  copy(): Crc64;
  /** Big-endian, as it is sent in base64. */
  digest(): Buffer;
}

const [polynomialHigh, polynomialLow] = [0x9a6c9329, 0xac4bc9b5];
const tableHigh = new Uint32Array(256);
const tableLow = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let [high, low] = [0, byte];
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = (low >>> 1) | ((high & 1) << 31);
    high >>>= 1;
    if (carry === 1) [high, low] = [high ^ polynomialHigh, low ^ polynomialLow];
  }
  tableHigh[byte] = high;
  tableLow[byte] = low;
}

export function createCrc64Nvme(): Crc64 {
  return crcFrom(0xffffffff, 0xffffffff);
}

function crcFrom(high: number, low: number): Crc64 {
  return {
    update(bytes) {
      for (let i = 0; i < bytes.byteLength; i++) {
        const at = (low ^ (bytes[i] as number)) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (tableLow[at] as number);
        high = (high >>> 8) ^ (tableHigh[at] as number);
      }
      return this;
    },
    copy: () => crcFrom(high, low),
    digest() {
      const digest = Buffer.alloc(8);
      digest.writeUInt32BE(~high >>> 0, 0);
      digest.writeUInt32BE(~low >>> 0, 4);
      return digest;
    },
  };
}
