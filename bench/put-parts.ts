/**
 * The parts of a big PUT, each alone, as CPU milliseconds (user and system) for each MiB of body: SHA-256, MD5, encoding 2+2, block
 * checksums of all four shards, and their writes to four files (O_DIRECT, 1 MiB each, synced at the end).
 * Usage: node bench/put-parts.ts DIRECTORY BODY-BYTES STREAMS. MD5 of several streams is the cheaper of node:crypto and our lanes.
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createNodeDisk } from "@kakera/disk";
import { blockCount, createCodec, createMd5, createSharedMemory, type Slab } from "@kakera/erasure";
import { MIB } from "@kakera/kernel";
import { patternFor } from "@kakera/load";

const [directory, bodyText, streamText] = process.argv.slice(2) as [string, string, string];
const [bodyBytes, streams] = [Number(bodyText), Number(streamText)];
const geometry = { k: 2, m: 2 };
const pieceBytes = 64 * 1024;
const shardBytes = MIB;
/** Of body, in distinct bytes: more than the caches hold. */
const dataBytes = 64 * MIB;

const body = patternFor("parts", dataBytes);
const memory = createSharedMemory({ sizeBytes: 2 * dataBytes + 16 * MIB });
const codec = createCodec(memory);
const rows: readonly (readonly Slab[])[] = Array.from({ length: dataBytes / (geometry.k * shardBytes) }, (_, row) => {
  const slabs = Array.from({ length: geometry.k + geometry.m }, () => memory.acquire(shardBytes));
  for (let shard = 0; shard < geometry.k; shard++) {
    const from = (row * geometry.k + shard) * shardBytes;
    body.copy(slabs[shard]!.bytes, 0, from, from + shardBytes);
  }
  return slabs;
});

const hashWhole = (algorithm: string) => (): void => {
  const hash = createHash(algorithm);
  for (let at = 0; at < dataBytes; at += pieceBytes) hash.update(body.subarray(at, at + pieceBytes));
  hash.digest();
};

/** So many streams at once, each over its share of the data. */
function hashInLanes(): void {
  const md5 = createMd5(memory);
  const open = Array.from({ length: streams }, () => md5.begin());
  const slabs = rows.flatMap((row) => row.slice(0, geometry.k));
  for (let at = 0; at + streams <= slabs.length; at += streams)
    md5.update(open.map((stream, i) => ({ stream, offsetBytes: slabs[at + i]!.offsetBytes, lengthBytes: shardBytes })));
  md5.finish(open);
}

const encode = (): void => {
  for (const slabs of rows)
    codec.encode(
      geometry,
      shardBytes,
      slabs.map((slab) => slab.offsetBytes),
    );
};

const checksums = Buffer.alloc(8 * blockCount(shardBytes));
const checksum = (): void => {
  for (const slabs of rows)
    for (const { offsetBytes } of slabs)
      codec.checksumBlocks({ offsetBytes, lengthBytes: shardBytes }, { lo: 1, hi: 0 }, 0, checksums);
};

async function write(): Promise<void> {
  const folder = mkdtempSync(join(directory, "put-parts-"));
  const bodies = Math.max(1, Math.floor(dataBytes / bodyBytes));
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < bodies) await writeBody(folder, next++);
  };
  await Promise.all(Array.from({ length: streams }, lane));
  rmSync(folder, { recursive: true });
}

async function writeBody(folder: string, index: number): Promise<void> {
  const appends = bodyBytes / (geometry.k * shardBytes);
  await Promise.all(
    Array.from({ length: geometry.k + geometry.m }, async (_, shard) => {
      const place = join(folder, `drive${shard}`);
      mkdirSync(place, { recursive: true });
      const file = await createNodeDisk(place).open(`body${index}`, { access: "create", isDirect: true });
      for (let append = 0; append < appends; append++) {
        const slab = rows[(index * appends + append) % rows.length]![shard]!;
        await file.write(slab.bytes.subarray(0, shardBytes), append * shardBytes);
      }
      await file.fdatasync();
      await file.close();
    }),
  );
}

/** CPU milliseconds for each MiB, of a second turn. */
async function costOf(part: () => void | Promise<void>): Promise<number> {
  await part();
  const before = process.cpuUsage();
  await part();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1000 / (dataBytes / MIB);
}

const md5Native = await costOf(hashWhole("md5"));
console.log(
  JSON.stringify({
    sha256: await costOf(hashWhole("sha256")),
    md5: streams === 1 ? md5Native : Math.min(md5Native, await costOf(hashInLanes)),
    encode: await costOf(encode),
    checksums: await costOf(checksum),
    writes: await costOf(write),
  }),
);
