import { crc64Kernel } from "./crc64nvme-kernel.ts";

/** The running CRC-64/NVME of one stream: reflected, polynomial 0xad93d23594c93659, all ones before and after. */
export class Crc64Nvme {
  /** High and low half. */
  readonly #state = new Uint32Array([0xffff_ffff, 0xffff_ffff]);

  update(bytes: Uint8Array): void {
    crc64Kernel().update(this.#state, bytes);
  }

  /** 8 bytes, big-endian. */
  digest(): Buffer {
    const digest = Buffer.allocUnsafe(8);
    digest.writeUInt32BE(~this.#state[0]! >>> 0, 0);
    digest.writeUInt32BE(~this.#state[1]! >>> 0, 4);
    return digest;
  }
}
