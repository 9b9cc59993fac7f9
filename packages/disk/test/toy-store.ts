import { crc32 } from "node:zlib";
import { assert, type Disk, type DiskFile } from "@kakera/kernel";

const block = 4_096;
const headerBytes = 12;
const recordsPerLog = 6;

/**
 * The smallest store worth cutting the power of: one value for each key, a log with one record for each block, a snapshot by rename, a new
 * log beside each snapshot. It is right on purpose; the planted bugs make it wrong.
 */
export class ToyStore {
  readonly values: Map<string, number>;
  readonly #disk: Disk;
  #log: DiskFile | null = null;
  #generation: number;
  #recordCount = 0;
  #isDead = false;
  #last: Promise<void> = Promise.resolve();

  private constructor(disk: Disk, generation: number, values: Map<string, number>) {
    this.#disk = disk;
    this.#generation = generation;
    this.values = values;
  }

  /** Reads what is there, and starts a new log behind a snapshot of it. */
  static async open(disk: Disk): Promise<ToyStore> {
    const values = new Map<string, number>();
    let generation = 0;
    if ((await disk.stat("snapshot")) !== null) {
      const [snapshot] = await readRecords(disk, "snapshot");
      assert(snapshot !== undefined, "a snapshot that has its name is whole");
      const stored = JSON.parse(snapshot) as { generation: number; values: [string, number][] };
      for (const [key, value] of stored.values) values.set(key, value);
      generation = stored.generation;
    }
    if ((await disk.stat(`log-${generation}`)) !== null) {
      for (const record of await readRecords(disk, `log-${generation}`)) {
        const [key, value] = JSON.parse(record) as [string, number];
        values.set(key, value);
      }
    }
    const store = new ToyStore(disk, generation, values);
    await store.#rotate();
    return store;
  }

  /** Resolves when the value is durable; after a failed sync every put rejects. */
  put(key: string, value: number): Promise<void> {
    const done = this.#last.then(() => this.#append(key, value));
    this.#last = done.catch(() => {});
    return done;
  }

  async #append(key: string, value: number): Promise<void> {
    assert(!this.#isDead && this.#log !== null, "a store whose sync failed takes nothing more");
    try {
      await this.#log.write(recordOf(JSON.stringify([key, value])), this.#recordCount * block);
      await this.#log.fdatasync();
      this.values.set(key, value);
      this.#recordCount += 1;
      if (this.#recordCount === recordsPerLog) await this.#rotate();
    } catch (error) {
      this.#isDead = true;
      throw error;
    }
  }

  /** The next log is there, empty, before the snapshot that points to it. */
  async #rotate(): Promise<void> {
    const generation = this.#generation + 1;
    for (const name of await this.#disk.list("")) {
      if (name !== "snapshot" && name !== `log-${this.#generation}`) await this.#disk.unlink(name);
    }
    const log = await this.#disk.open(`log-${generation}`, { access: "create" });
    const snapshot = await this.#disk.open("snapshot.new", { access: "create" });
    await snapshot.write(recordOf(JSON.stringify({ generation, values: [...this.values] })), 0);
    await snapshot.fdatasync();
    await snapshot.close();
    await this.#disk.rename("snapshot.new", "snapshot");
    await this.#disk.syncDirectory("");
    await this.#log?.close();
    this.#log = log;
    this.#generation = generation;
    this.#recordCount = 0;
  }
}

function recordOf(text: string): Uint8Array {
  const payload = Buffer.from(text);
  const record = Buffer.alloc(headerBytes + payload.byteLength);
  record.writeUInt32LE(0x4b414b45, 0);
  record.writeUInt32LE(payload.byteLength, 4);
  record.writeUInt32LE(crc32(payload), 8);
  payload.copy(record, headerBytes);
  return record;
}

/** The payloads of the records up to the first that is not whole. */
async function readRecords(disk: Disk, path: string): Promise<string[]> {
  const file = await disk.open(path, { access: "read" });
  const content = Buffer.alloc(await file.sizeBytes());
  await file.read(content, 0);
  await file.close();
  const payloads: string[] = [];
  for (let at = 0; at + headerBytes <= content.byteLength; at += block) {
    const lengthBytes = content.readUInt32LE(at + 4);
    const payload = content.subarray(at + headerBytes, at + headerBytes + lengthBytes);
    const isWhole = content.readUInt32LE(at) === 0x4b414b45 && payload.byteLength === lengthBytes;
    if (!isWhole || crc32(payload) !== content.readUInt32LE(at + 8)) break;
    payloads.push(payload.toString());
  }
  return payloads;
}
