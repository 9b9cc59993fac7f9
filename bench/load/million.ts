import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onConnections } from "./each-connection.ts";
import { milvusKey } from "./milvus-keys.ts";
import { patternFor } from "@kakera/load";
import { makeBucket, type Target } from "./run-load.ts";
import { startKakera } from "./servers.ts";
import { createSigner } from "./signer.ts";
import { voidUnless } from "./verdict.ts";

export const millionBucket = "million";
/** Small enough to live in the record. */
export const millionBodyBytes = 64;
/** Prime, and larger than any count: objects arrive as unsorted as from many writers. */
const stride = 1_299_709;

/** A stopped server's data folder with so many objects in it. `discard` removes it unless it was asked to be kept. */
export interface MillionObjects {
  readonly directory: string;
  readonly count: number;
  discard(): void;
}

/** Puts the objects through the server, each by a request of its own; a folder that has them already is taken as it is. */
export async function openMillion(kept: string | null, count: number): Promise<MillionObjects> {
  const directory = kept ?? mkdtempSync(join(tmpdir(), "kakera-bench-million-"));
  mkdirSync(directory, { recursive: true });
  const mark = join(directory, `holds-${count}`);
  if (!existsSync(mark)) {
    const startedMs = performance.now();
    const server = await startKakera({ directory });
    try {
      await fill(server, count);
    } finally {
      await server.stop();
    }
    writeFileSync(mark, "");
    const seconds = (performance.now() - startedMs) / 1000;
    console.log(`       ${count} objects put through the server in ${seconds.toFixed(0)} s`);
  }
  return {
    directory,
    count,
    discard: () => {
      if (kept === null) rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function fill(target: Target, count: number): Promise<void> {
  await makeBucket(target, millionBucket);
  const signer = createSigner(`${target.host}:${target.port}`, target);
  await onConnections(target, { count, concurrency: 128 }, async (connection, index) => {
    const key = milvusKey((index * stride) % count);
    const head = signer.head({
      method: "PUT",
      target: `/${millionBucket}/${key}`,
      contentLength: millionBodyBytes,
      payloadHash: "UNSIGNED-PAYLOAD",
    });
    const reply = await connection.request(head, patternFor(key, millionBodyBytes), { keepBody: true });
    voidUnless(reply.status === 200, `PUT of ${key}: ${reply.status} ${reply.body?.toString() ?? ""}`);
  });
}
