import { createHash } from "node:crypto";
import { openConnection } from "@kakera/load";
import { onConnections } from "../load/each-connection.ts";
import { patternFor } from "@kakera/load";
import { makeBucket } from "../load/run-load.ts";
import { startKakera, type RunningServer } from "../load/servers.ts";
import { createSigner } from "../load/signer.ts";
import { report, voidUnless } from "../load/verdict.ts";

const bucket = "parts";
const key = "of-ten-thousand-parts";
const partCount = 10_000;
const partBytes = 4096;
const partBody = (number: number): Buffer => patternFor(`part-${number}`, partBytes);
const md5 = (bytes: Buffer): Buffer => createHash("md5").update(bytes).digest();

/** An upload of as many parts as S3 allows, read back whole; parts are small, by the test setting for their least size. */
export async function tenThousandParts(): Promise<void> {
  const settings = JSON.stringify({ minPartBytes: partBytes });
  const server = await startKakera({ environment: { KAKERA_TEST_SETTINGS: settings } });
  try {
    await makeBucket(server, bucket);
    const { xml } = await ask(server, { method: "POST", query: "uploads=", body: Buffer.alloc(0) });
    const uploadId = /<UploadId>([^<]+)</.exec(xml)?.[1] as string;
    const startedMs = performance.now();
    await uploadParts(server, uploadId);
    const completedMs = performance.now();
    await complete(server, uploadId);
    const seconds = (fromMs: number): string => ((performance.now() - fromMs) / 1000).toFixed(1);
    const [completeSeconds, allSeconds] = [seconds(completedMs), seconds(startedMs)];
    const readBytes = await readBack(server);
    report("an upload of 10,000 parts, read back equal", (readBytes / (partCount * partBytes)) * 100, {
      asked: { atLeast: 100 },
      unit: " %",
      detail: `${allSeconds} s in all, Complete ${completeSeconds} s, parts of 4 KiB`,
    });
  } finally {
    await server.stop();
  }
}

async function uploadParts(server: RunningServer, uploadId: string): Promise<void> {
  const signer = createSigner(`${server.host}:${server.port}`, server);
  await onConnections(server, { count: partCount, concurrency: 32 }, async (connection, index) => {
    const body = partBody(index + 1);
    const target = `/${bucket}/${key}?partNumber=${index + 1}&uploadId=${encodeURIComponent(uploadId)}`;
    const payloadHash = "UNSIGNED-PAYLOAD";
    const head = signer.head({ method: "PUT", target, contentLength: body.byteLength, payloadHash });
    const reply = await connection.request(head, body, { keepBody: true });
    voidUnless(reply.status === 200, `part ${index + 1}: ${reply.status} ${reply.body?.toString() ?? ""}`);
  });
}

async function complete(server: RunningServer, uploadId: string): Promise<void> {
  const digests = Array.from({ length: partCount }, (_, index) => md5(partBody(index + 1)));
  const parts = digests.map(
    (digest, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>"${digest.toString("hex")}"</ETag></Part>`,
  );
  const body = Buffer.from(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
  const { xml } = await ask(server, { method: "POST", query: `uploadId=${encodeURIComponent(uploadId)}`, body });
  const etag = `${md5(Buffer.concat(digests)).toString("hex")}-${partCount}`;
  voidUnless(xml.includes(etag), `Complete answers without its ETag: ${xml.slice(0, 500)}`);
}

async function readBack(server: RunningServer): Promise<number> {
  const whole = Buffer.concat(Array.from({ length: partCount }, (_, index) => partBody(index + 1)));
  const { bodySizeBytes, isRight } = await ask(server, { method: "GET", query: "", body: null, expected: whole });
  voidUnless(isRight, "the object is not what its parts were");
  return bodySizeBytes;
}

async function ask(
  server: RunningServer,
  asked: { method: string; query: string; body: Buffer | null; expected?: Buffer },
): Promise<{ xml: string; bodySizeBytes: number; isRight: boolean }> {
  const signer = createSigner(`${server.host}:${server.port}`, server);
  const connection = await openConnection(server.host, server.port);
  const { method, query, body, expected } = asked;
  const head = signer.head({
    method,
    target: `/${bucket}/${key}${query === "" ? "" : `?${query}`}`,
    contentLength: body?.byteLength ?? null,
    payloadHash: createHash("sha256")
      .update(body ?? "")
      .digest("hex"),
  });
  const reply = await connection.request(head, body, expected === undefined ? { keepBody: true } : { body: expected });
  connection.close();
  const xml = reply.body?.toString() ?? "";
  voidUnless(reply.status === 200, `${method} ?${query}: ${reply.status} ${xml.slice(0, 500)}`);
  return { xml, bodySizeBytes: reply.bodySizeBytes, isRight: reply.isRight };
}
