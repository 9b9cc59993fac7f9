import type { Meter } from "@kakera/kernel";
import { statusOfCode, type S3Request } from "@kakera/s3";
import { createAccountMetrics, type AccountMetrics } from "../metrics.ts";
import { milvusFileOf } from "./milvus-file.ts";

/** One request while it is under way. */
export interface RequestAccount {
  readonly operation: string;
  readonly underWay: UnderWay;
  /** null: nobody has signed it, it is for none, or buckets enough have a name already. */
  bucket: string | null;
  /** null: the bucket is not known to exist. */
  ofBucket: BucketTally | null;
  /** What kind of Milvus' files it is about; null: none. */
  kind: string | null;
}

interface UnderWay {
  count: number;
}

/** What is told at the next scrape of a bucket's requests of one operation: cheaper than an instrument's labels for each. */
interface BucketTally extends UnderWay {
  readonly ended: Record<Outcome, number>;
  receivedBytes: number;
  sentBytes: number;
}

type Outcome = "ok" | "client_error" | "server_error" | "canceled";
const outcomes: readonly Outcome[] = ["ok", "client_error", "server_error", "canceled"];

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
  readonly #buckets = new Map<string, Map<string, BucketTally>>();

  constructor(meter: Meter) {
    this.#metrics = createAccountMetrics(meter);
    meter.onCollect(() => this.#tell());
  }

  begin(operation: string): RequestAccount {
    const underWay = memberOf(this.#underWay, operation, newUnderWay);
    underWay.count++;
    return { operation, underWay, bucket: null, ofBucket: null, kind: null };
  }

  /** Once it is known that somebody has signed it. */
  place(account: RequestAccount, { bucket, key }: Pick<S3Request, "bucket" | "key">): void {
    if (bucket === null) return;
    account.bucket = bucket;
    const operations = this.#buckets.get(bucket);
    if (operations !== undefined) {
      account.ofBucket = memberOf(operations, account.operation, newTally);
      account.ofBucket.count++;
    }
    if (key !== null) account.kind = milvusFileOf(key.text)?.kind ?? null;
  }

  end(account: RequestAccount, ended: RequestEnd): void {
    const { operation, kind } = account;
    const { headMs, receivedBytes, sentBytes } = ended;
    account.underWay.count--;
    if (account.ofBucket !== null) account.ofBucket.count--;
    if (headMs !== null) this.#metrics.headSeconds.observe(headMs / 1000, { operation });
    if (account.bucket === null || !isOfBucket(ended.code)) return;
    this.#endOfBucket(account.bucket, account, ended);
    if (kind === null) return;
    this.#metrics.milvusSeconds.observe(ended.durationMs / 1000, { kind, operation });
    if (receivedBytes > 0) this.#metrics.milvusBytes.add(receivedBytes, { kind, direction: "in" });
    if (sentBytes > 0) this.#metrics.milvusBytes.add(sentBytes, { kind, direction: "out" });
  }

  #endOfBucket(bucket: string, { operation, ofBucket }: RequestAccount, ended: RequestEnd): void {
    const tally = ofBucket ?? this.#found(bucket, operation);
    if (tally === null) return;
    tally.ended[outcomeOf(ended.code)]++;
    tally.receivedBytes += ended.receivedBytes;
    tally.sentBytes += ended.sentBytes;
    if (ended.headMs !== null) this.#metrics.bucketHeadSeconds.observe(ended.headMs / 1000, { bucket, operation });
  }

  /** A bucket that turned out to exist; null: enough have figures of their own. */
  #found(bucket: string, operation: string): BucketTally | null {
    let operations = this.#buckets.get(bucket);
    if (operations === undefined) {
      if (this.#buckets.size === bucketsMax) return null;
      operations = new Map();
      this.#buckets.set(bucket, operations);
    }
    return memberOf(operations, operation, newTally);
  }

  #tell(): void {
    const { inFlight, bucketInFlight } = this.#metrics;
    for (const [operation, { count }] of this.#underWay) inFlight.set(count, { operation });
    for (const [bucket, operations] of this.#buckets) {
      for (const [operation, tally] of operations) {
        bucketInFlight.set(tally.count, { bucket, operation });
        this.#handOver(bucket, operation, tally);
      }
    }
  }

  #handOver(bucket: string, operation: string, tally: BucketTally): void {
    const { bucketRequests, bucketBytes } = this.#metrics;
    for (const outcome of outcomes) {
      if (tally.ended[outcome] > 0) bucketRequests.add(tally.ended[outcome], { bucket, operation, outcome });
      tally.ended[outcome] = 0;
    }
    if (tally.receivedBytes > 0) bucketBytes.add(tally.receivedBytes, { bucket, direction: "in" });
    if (tally.sentBytes > 0) bucketBytes.add(tally.sentBytes, { bucket, direction: "out" });
    tally.receivedBytes = 0;
    tally.sentBytes = 0;
  }
}

function newUnderWay(): UnderWay {
  return { count: 0 };
}

function newTally(): BucketTally {
  const ended = { ok: 0, client_error: 0, server_error: 0, canceled: 0 };
  return { count: 0, ended, receivedBytes: 0, sentBytes: 0 };
}

function memberOf<Member>(members: Map<string, Member>, name: string, make: () => Member): Member {
  const known = members.get(name);
  if (known !== undefined) return known;
  const made = make();
  members.set(name, made);
  return made;
}

/** A name that no bucket has is no label: there is no end of them. */
function isOfBucket(code: string): boolean {
  return code !== "NoSuchBucket" && code !== "InvalidBucketName";
}

function outcomeOf(code: string): Outcome {
  if (code === "200") return "ok";
  if (code === "ClientGone") return "canceled";
  if (code === "Broken") return "server_error";
  const status = statusOfCode(code) ?? 0;
  if (status >= 500) return "server_error";
  return status >= 400 ? "client_error" : "ok";
}
