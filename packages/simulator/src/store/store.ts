import {
  assert,
  ClusterFailure,
  idFromBytes,
  type BucketId,
  type Clock,
  type Logger,
  type Meter,
  type Random,
} from "@kakera/kernel";
import type { BodySource, BodyStore, StoredBody, WrittenBody } from "@kakera/gateway";
import type { Maintenance } from "@kakera/maintenance";
import {
  commitUntilDecided,
  createKeyQueue,
  deleteObject,
  keys,
  objectKeyOfCurrent,
  putObject,
  ranges,
  readBucket,
  readObject,
  repairKeysOf,
  UnknownOutcome,
  type JournalLog,
  type KeyQueue,
  type Plan,
  type Seen,
} from "@kakera/metadata";
import { records, type BucketRecord } from "@kakera/protocol";
import type { Drive } from "@kakera/storage-node";
import { storeBucket } from "./store-settings.ts";

export interface StoreParts {
  readonly log: JournalLog;
  readonly drives: readonly Drive[];
  readonly bodies: BodyStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly inlineBytesMax: number;
}

const commitDeadlineMs = 10_000;
const objectsMax = 100_000;

/** Objects of one bucket: the steps of the gateway's operations, without HTTP. */
export class Store {
  readonly parts: StoreParts;
  readonly #keyQueue: KeyQueue = createKeyQueue();
  #maintenance: Maintenance | null = null;
  #bug: Error | null = null;

  constructor(parts: StoreParts) {
    this.parts = parts;
  }

  /** Resolves when it is durable. Rejects with ClusterFailure as a commit does; `hasCertainlyNotHappened` tells what that means. */
  async put(key: string, content: Buffer): Promise<void> {
    const { log, bodies, inlineBytesMax } = this.parts;
    const objectKey = Buffer.from(key);
    await log.barrier();
    const owner = { bucketId: this.#bucketId(), objectKey, inlineBytesMax };
    const body = await bodies.write(sourceOf(content), owner, new AbortController().signal);
    try {
      if (body.session !== log.session) throw new ClusterFailure("retry", "the session has changed");
      await this.#decide(objectKey, () => this.#planPut(objectKey, body));
    } catch (failure) {
      if (hasCertainlyNotHappened(failure)) await bodies.discard([body]);
      throw failure;
    }
    bodies.settle([body]);
  }

  async delete(key: string): Promise<void> {
    const { log, random } = this.parts;
    const objectKey = Buffer.from(key);
    await log.barrier();
    await this.#decide(objectKey, () => {
      const object = readObject(log.view, this.#bucketId(), objectKey);
      if (object === null) return { answer: undefined };
      const deletion = {
        key: keys.current(this.#bucketId(), objectKey),
        object,
        repairs: repairKeysOf(log.view, object.record),
      };
      const change = deleteObject({ random, session: log.session }, this.#bucketId(), deletion);
      return { change, answer: () => undefined };
    });
  }

  /** Every byte verified; null: no such object. */
  async read(key: string): Promise<Buffer | null> {
    const { log, bodies } = this.parts;
    await log.barrier();
    const object = readObject(log.view, this.#bucketId(), Buffer.from(key));
    if (object === null) return null;
    const { sizeBytes, inlineBody, body } = object.record;
    if (sizeBytes === 0) return Buffer.alloc(0);
    const stored: StoredBody =
      body === null || body === undefined
        ? { kind: "inline", bytes: inlineBody, sizeBytes }
        : { kind: "chunks", place: body, sizeBytes };
    const slices: Buffer[] = [];
    const sink = { write: async (bytes: Buffer): Promise<void> => void slices.push(Buffer.from(bytes)) };
    await bodies.read([stored], { offsetBytes: 0, lengthBytes: sizeBytes }, sink, new AbortController().signal);
    return Buffer.concat(slices);
  }

  async keys(): Promise<string[]> {
    const { log } = this.parts;
    await log.barrier();
    const { from, to } = ranges.current(this.#bucketId());
    return log.view.range(from, to, objectsMax).map((entry) => Buffer.from(objectKeyOfCurrent(entry.key)).toString());
  }

  checkpoint(): Promise<void> {
    return this.parts.log.checkpoint();
  }

  /** Starts the loops; `close` ends them. */
  maintainBy(maintenance: Maintenance): void {
    this.#maintenance = maintenance;
    maintenance.start();
  }

  /** A broken assumption of a loop: `close` rejects with it. */
  noteBug(failure: unknown): void {
    this.#bug ??=
      failure instanceof Error ? failure : new Error("a loop of the maintenance failed", { cause: failure });
  }

  async close(): Promise<void> {
    await this.#maintenance?.stop();
    await this.parts.log.close();
    await Promise.all(this.parts.drives.map((drive) => drive.close()));
    if (this.#bug !== null) throw this.#bug;
  }

  #planPut(objectKey: Buffer, body: WrittenBody): Plan<void> {
    const { log, random, clock } = this.parts;
    const replaced = readObject(log.view, this.#bucketId(), objectKey);
    const place = body.kind === "inline" ? { inlineBody: body.bytes } : { body: body.place };
    const change = putObject(
      { random, session: log.session },
      {
        bucketName: storeBucket,
        bucket: this.#bucket(),
        objectKey,
        replaced,
        content: {
          ...(body.sizeBytes === 0 ? {} : place),
          sizeBytes: body.sizeBytes,
          modifiedMs: clock.nowMs(),
          etagKind: records.EtagKind.MD5,
          ...(body.md5 === null ? {} : { md5: body.md5 }),
        },
        repairs: body.repair === null ? [] : [body.repair],
        replacedRepairs: replaced === null ? [] : repairKeysOf(log.view, replaced.record),
      },
    );
    return { change, answer: () => undefined };
  }

  #decide(objectKey: Buffer, plan: () => Plan<void>): Promise<void> {
    const { log, clock, random } = this.parts;
    const deadlineMs = clock.monotonicMs() + commitDeadlineMs;
    const key = keys.current(this.#bucketId(), objectKey);
    return this.#keyQueue.run([key], () => commitUntilDecided({ log, clock, random, deadlineMs }, plan));
  }

  #bucket(): Seen<BucketRecord> {
    const bucket = readBucket(this.parts.log.view, storeBucket);
    assert(bucket !== null, "the formation made the bucket");
    return bucket;
  }

  #bucketId(): BucketId {
    return idFromBytes("bucket", this.#bucket().record.bucketId);
  }
}

/** Of a rejected call: nobody will ever see it. Else it may have happened. */
export function hasCertainlyNotHappened(failure: unknown): boolean {
  if (failure instanceof UnknownOutcome) return false;
  return failure instanceof ClusterFailure && (failure.kind === "retry" || failure.kind === "full");
}

function sourceOf(content: Buffer): BodySource {
  let isTaken = false;
  return {
    sizeBytes: content.byteLength,
    pull: async () => {
      if (isTaken) return null;
      isTaken = true;
      return content.byteLength === 0 ? null : content;
    },
  };
}
