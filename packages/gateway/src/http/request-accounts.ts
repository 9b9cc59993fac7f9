import type { Meter } from "@kakera/kernel";
import { s3Errors, type S3ErrorCode, type S3Request } from "@kakera/s3";
import { createAccountMetrics, type AccountMetrics } from "../metrics.ts";
import { milvusFileOf } from "./milvus-file.ts";

/** One request while it is under way. */
export interface RequestAccount {
  readonly operation: string;
  readonly underWay: UnderWay;
  /** null: nobody has signed it, it is for none, or buckets enough have a name already. */
  bucket: string | null;
  bucketUnderWay: UnderWay | null;
  /** What kind of Milvus' files it is about; null: none. */
  kind: string | null;
}

interface UnderWay {
  count: number;
}

export interface RequestEnd {
  /** HTTP status, S3 error code, or `ClientGone` and `Broken`. */
  readonly code: string;
  readonly durationMs: number;
  /** null: nothing was answered. */
  readonly headMs: number | null;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** So many buckets have figures of their own: those that were asked for first. */
const bucketsMax = 200;

/** Counts requests while they are under way, and for each bucket and kind of Milvus' files what became of them. */
export class RequestAccounts {
  readonly #metrics: AccountMetrics;
  readonly #underWay = new Map<string, UnderWay>();
  /** By bucket and operation. Only buckets that were found to exist. */
  readonly #buckets = new Map<string, Map<string, UnderWay>>();

  constructor(meter: Meter) {
    this.#metrics = createAccountMetrics(meter);
    meter.onCollect(() => this.#tell());
  }

  begin(operation: string): RequestAccount {
    const underWay = underWayOf(this.#underWay, operation);
    underWay.count++;
    return { operation, underWay, bucket: null, bucketUnderWay: null, kind: null };
  }

  /** Once it is known that somebody has signed it. */
  place(account: RequestAccount, { bucket, key }: Pick<S3Request, "bucket" | "key">): void {
    if (bucket === null) return;
    const operations = this.#buckets.get(bucket);
    if (operations === undefined) {
      if (this.#buckets.size < bucketsMax) account.bucket = bucket;
    } else {
      account.bucket = bucket;
      account.bucketUnderWay = underWayOf(operations, account.operation);
      account.bucketUnderWay.count++;
    }
    if (key !== null) account.kind = milvusFileOf(key.text)?.kind ?? null;
  }

  end(account: RequestAccount, ended: RequestEnd): void {
    const { operation, kind } = account;
    const { headMs, receivedBytes, sentBytes } = ended;
    account.underWay.count--;
    if (account.bucketUnderWay !== null) account.bucketUnderWay.count--;
    if (headMs !== null) this.#metrics.headSeconds.observe(headMs / 1000, { operation });
    if (!isOfBucket(ended.code)) return;
    if (account.bucket !== null) this.#endOfBucket(account.bucket, operation, ended);
    if (kind === null) return;
    this.#metrics.milvusSeconds.observe(ended.durationMs / 1000, { kind, operation });
    if (receivedBytes > 0) this.#metrics.milvusBytes.add(receivedBytes, { kind, direction: "in" });
    if (sentBytes > 0) this.#metrics.milvusBytes.add(sentBytes, { kind, direction: "out" });
  }

  #endOfBucket(bucket: string, operation: string, { code, headMs, receivedBytes, sentBytes }: RequestEnd): void {
    if (!this.#buckets.has(bucket)) {
      if (this.#buckets.size === bucketsMax) return;
      this.#buckets.set(bucket, new Map());
    }
    this.#metrics.bucketRequests.add(1, { bucket, operation, outcome: outcomeOf(code) });
    if (headMs !== null) this.#metrics.bucketHeadSeconds.observe(headMs / 1000, { bucket, operation });
    if (receivedBytes > 0) this.#metrics.bucketBytes.add(receivedBytes, { bucket, direction: "in" });
    if (sentBytes > 0) this.#metrics.bucketBytes.add(sentBytes, { bucket, direction: "out" });
  }

  #tell(): void {
    for (const [operation, { count }] of this.#underWay) this.#metrics.inFlight.set(count, { operation });
    for (const [bucket, operations] of this.#buckets) {
      for (const [operation, { count }] of operations) this.#metrics.bucketInFlight.set(count, { bucket, operation });
    }
  }
}

function underWayOf(operations: Map<string, UnderWay>, operation: string): UnderWay {
  const known = operations.get(operation);
  if (known !== undefined) return known;
  const made = { count: 0 };
  operations.set(operation, made);
  return made;
}

/** A name that no bucket has is no label: there is no end of them. */
function isOfBucket(code: string): boolean {
  return code !== "NoSuchBucket" && code !== "InvalidBucketName";
}

function outcomeOf(code: string): string {
  if (code === "200") return "ok";
  if (code === "ClientGone") return "canceled";
  if (code === "Broken") return "server_error";
  const status = Number(code) || (s3Errors[code as S3ErrorCode]?.status ?? 0);
  if (status >= 500) return "server_error";
  return status >= 400 ? "client_error" : "ok";
}
