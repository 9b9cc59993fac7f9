import { createHash } from "node:crypto";
import type { Clock } from "@kakera/kernel";
import { openConnection, type Connection, type Expected, type TlsTrust } from "./drivers/connection.ts";
import { patternFor } from "./pattern.ts";
import { RequestRefused } from "./request-refused.ts";
import { createSigner, emptyHash, type Signer } from "./signer.ts";

/** The endpoint and whose requests it gets. */
export interface LoadTarget {
  readonly host: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Absent or null: plain HTTP. */
  readonly tls?: TlsTrust | null;
}

export interface LoadParts {
  readonly target: LoadTarget;
  readonly clock: Clock;
}

/** `mixed`: seven GETs to three PUTs. `range`: 64 KiB of an object. */
export const loadOperations = ["put", "get", "range", "delete", "list", "mixed"] as const;
export type LoadOperation = (typeof loadOperations)[number];

export interface LoadSpec {
  readonly operation: LoadOperation;
  readonly sizeBytes: number;
  readonly concurrency: number;
  /** A run ends after this time, or after `requestCountMax` requests. */
  readonly durationMs: number;
  readonly requestCountMax?: number;
  readonly bucket: string;
  /** Objects there are to get, list or delete (see `prefill`). */
  readonly objectCount: number;
  /** false: UNSIGNED-PAYLOAD. */
  readonly payload: "signed" | "unsigned";
  /** Makes keys of this run unlike those of others. */
  readonly run: string;
}

export interface LoadResult {
  readonly operation: LoadOperation;
  readonly sizeBytes: number;
  readonly concurrency: number;
  readonly requestCount: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly mebibytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly wrongCount: number;
  readonly errorCount: number;
  /** What the first of them said; "" when there was none. */
  readonly firstError: string;
}

interface Shot {
  readonly head: string;
  readonly body: Buffer | null;
  readonly expected: Expected;
  readonly okStatus: number;
  readonly bytes: number;
}

const payloadHashes = new Map<string, string>();

function hashOf(key: string, body: Buffer): string {
  const known = payloadHashes.get(key);
  if (known !== undefined) return known;
  const hash = createHash("sha256").update(body).digest("hex");
  if (payloadHashes.size < 100_000) payloadHashes.set(key, hash);
  return hash;
}

/** The key of an object that gets read. */
export const objectName = (sizeBytes: number, index: number): string => `get-${sizeBytes}/${index}`;

/** Puts the objects that get, range and list read. */
export async function prefill(
  { target, clock }: LoadParts,
  spec: { bucket: string; sizeBytes: number; objectCount: number; concurrency: number },
): Promise<void> {
  const signer = createSigner(`${target.host}:${target.port}`, target, clock);
  let next = 0;
  await Promise.all(
    Array.from({ length: spec.concurrency }, async () => {
      const connection = await openConnection(target.host, target.port, target.tls);
      while (next < spec.objectCount) {
        const name = objectName(spec.sizeBytes, next++);
        const body = patternFor(name, spec.sizeBytes);
        const head = signer.head({
          method: "PUT",
          target: `/${spec.bucket}/${name}`,
          contentLength: body.byteLength,
          payloadHash: "UNSIGNED-PAYLOAD",
        });
        const reply = await connection.request(head, body, { keepBody: true });
        if (reply.status !== 200) throw new RequestRefused("prefill", reply);
      }
      connection.close();
    }),
  );
}

export async function makeBucket({ target, clock }: LoadParts, bucket: string): Promise<void> {
  const signer = createSigner(`${target.host}:${target.port}`, target, clock);
  const connection = await openConnection(target.host, target.port, target.tls);
  const reply = await connection.request(
    signer.head({ method: "PUT", target: `/${bucket}`, contentLength: 0, payloadHash: emptyHash }),
    null,
    { keepBody: true },
  );
  connection.close();
  if (reply.status !== 200 && reply.status !== 409) throw new RequestRefused("make bucket", reply);
}

/** Runs one load and measures it. Warm-up is the caller's: run a short one first. */
export async function runLoad({ target, clock }: LoadParts, spec: LoadSpec): Promise<LoadResult> {
  const signer = createSigner(`${target.host}:${target.port}`, target, clock);
  const open = (): Promise<Connection> => openConnection(target.host, target.port, target.tls);
  const connections = await Promise.all(Array.from({ length: spec.concurrency }, open));
  const latenciesMs: number[] = [];
  let bytes = 0;
  let wrongCount = 0;
  let errorCount = 0;
  let firstError = "";
  let started = 0;
  let listToken = "";
  const countMax = spec.requestCountMax ?? Number.POSITIVE_INFINITY;
  const startedMs = clock.monotonicMs();
  const endMs = startedMs + spec.durationMs;

  async function loop(lane: number): Promise<void> {
    while (started < countMax && clock.monotonicMs() < endMs) {
      // Servers close it behind the answer to a body that they did not want.
      let connection = connections[lane] as Connection;
      if (!connection.isOpen) connection = connections[lane] = await open();
      const index = started++;
      const shot = makeShot(signer, spec, index, listToken);
      const sentMs = clock.monotonicMs();
      const reply = await connection.request(shot.head, shot.body, shot.expected);
      latenciesMs.push(clock.monotonicMs() - sentMs);
      if (reply.status !== shot.okStatus) {
        errorCount++;
        firstError ||= `${reply.status} ${reply.body?.toString() ?? ""}`;
      } else if (!reply.isRight) wrongCount++;
      else bytes += shot.bytes;
      if (spec.operation === "list")
        listToken = /<NextContinuationToken>([^<]+)</.exec(reply.body?.toString("latin1") ?? "")?.[1] ?? "";
    }
  }
  await Promise.all(connections.map((_, lane) => loop(lane)));
  const seconds = (clock.monotonicMs() - startedMs) / 1000;
  for (const connection of connections) connection.close();
  latenciesMs.sort((a, b) => a - b);
  const at = (fraction: number): number =>
    latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * fraction))] ?? 0;
  return {
    operation: spec.operation,
    sizeBytes: spec.sizeBytes,
    concurrency: spec.concurrency,
    requestCount: latenciesMs.length,
    seconds,
    requestsPerSecond: latenciesMs.length / seconds,
    mebibytesPerSecond: bytes / seconds / (1 << 20),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    wrongCount,
    errorCount,
    firstError,
  };
}

function makeShot(signer: Signer, spec: LoadSpec, index: number, listToken: string): Shot {
  switch (spec.operation) {
    case "put":
      return putShot(signer, spec, index);
    case "get":
      return getShot(signer, spec, index, null);
    case "range":
      return getShot(signer, spec, index, Math.min(65_536, spec.sizeBytes));
    case "delete":
      return {
        head: signer.head({
          method: "DELETE",
          target: `/${spec.bucket}/${objectName(spec.sizeBytes, index)}`,
          contentLength: null,
          payloadHash: emptyHash,
        }),
        body: null,
        expected: {},
        okStatus: 204,
        bytes: 0,
      };
    case "list":
      return {
        head: signer.head({
          method: "GET",
          target: `/${spec.bucket}?${listToken === "" ? "" : `continuation-token=${encodeURIComponent(listToken)}&`}list-type=2&max-keys=1000`,
          contentLength: null,
          payloadHash: emptyHash,
        }),
        body: null,
        expected: { keepBody: true },
        okStatus: 200,
        bytes: 0,
      };
    case "mixed":
      return index % 10 < 7 ? getShot(signer, spec, index, null) : putShot(signer, spec, index);
  }
}

function putShot(signer: Signer, spec: LoadSpec, index: number): Shot {
  const name = `put-${spec.run}/${index}`;
  // Bodies repeat with a period, so that the client hashes each of them once; keys are unique.
  const source = `put/${spec.sizeBytes}/${index % 64}`;
  const body = patternFor(source, spec.sizeBytes);
  const payloadHash = spec.payload === "signed" ? hashOf(source, body) : "UNSIGNED-PAYLOAD";
  return {
    head: signer.head({
      method: "PUT",
      target: `/${spec.bucket}/${name}`,
      contentLength: body.byteLength,
      payloadHash,
    }),
    body,
    expected: {},
    okStatus: 200,
    bytes: spec.sizeBytes,
  };
}

function getShot(signer: Signer, spec: LoadSpec, index: number, rangeBytes: number | null): Shot {
  const name = objectName(spec.sizeBytes, (index * 7919) % spec.objectCount);
  const whole = patternFor(name, spec.sizeBytes);
  const from = rangeBytes === null ? 0 : (index * 104_729) % Math.max(1, spec.sizeBytes - rangeBytes);
  const body = rangeBytes === null ? whole : whole.subarray(from, from + rangeBytes);
  const extra = rangeBytes === null ? "" : `Range: bytes=${from}-${from + rangeBytes - 1}\r\n`;
  return {
    head: signer.head({
      method: "GET",
      target: `/${spec.bucket}/${name}`,
      contentLength: null,
      payloadHash: emptyHash,
      extra,
    }),
    body: null,
    expected: { body },
    okStatus: rangeBytes === null ? 200 : 206,
    bytes: body.byteLength,
  };
}
