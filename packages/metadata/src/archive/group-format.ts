import { hash } from "node:crypto";
import { assert, assertNever } from "@kakera/kernel";
import { journal } from "@kakera/protocol";
import { batchBytes, headerBytes, sealBatch, type BatchHeader } from "../journal/batch-format.ts";
import type { ViewBatch, ViewPosition, ViewWrite } from "../ports/view.ts";
import { bytesField, varintField } from "../view/protobuf-fields.ts";

/**
 * A group: a run of the followed log's batches that becomes durable in one write. On a drive it is one journal batch of kind
 * `archived` (batch-format.ts) whose payload is an ArchiveGroup message. Its lineage is the followed log's own: every batch
 * of that log has a random id of 16 bytes, and the header's `before` is the id of the batch before the group's first.
 */
export interface GroupSummary {
  /** Of the leader that wrote it. */
  readonly term: number;
  readonly firstSequence: number;
  /** Of its last batch. */
  readonly sequence: number;
  /** Id of the batch before its first. */
  readonly before: string;
  /** 16 bytes for each batch. */
  readonly ids: Buffer;
  /** Its writer had not written what comes before it. */
  readonly beginsAnew: boolean;
  /** Sequence up to which the archive was published when it was written. */
  readonly acknowledged: number;
}

const idBytes = 16;

/** Of the followed log, whose name is text, as it stands in headers. */
export function hashOfLogName(logName: string): string {
  return hash("sha256", logName, "hex").slice(0, idBytes * 2);
}

/** Id of the group's batch of that sequence; of the one before its first, too. null when it is none of these. */
export function idAt(group: GroupSummary, sequence: number): string | null {
  if (sequence === group.firstSequence - 1) return group.before;
  if (sequence < group.firstSequence || sequence > group.sequence) return null;
  const at = (sequence - group.firstSequence) * idBytes;
  return group.ids.toString("hex", at, at + idBytes);
}

/** A group as it is written: whole blocks. */
export interface SealedGroup {
  readonly bytes: Buffer;
  readonly before: ViewPosition;
  readonly last: ViewPosition;
}

export function sealGroup(
  batches: readonly ViewBatch[],
  context: {
    readonly clusterId: string;
    readonly epoch: number;
    readonly before: ViewPosition;
    readonly beginsAnew: boolean;
    readonly publishedSequence: number;
  },
): SealedGroup {
  const last = batches.at(-1)?.position;
  assert(last !== undefined, "a group holds a batch");
  const payload = journal.ArchiveGroup.encode({
    batchIds: Buffer.concat(batches.map(({ position }) => Buffer.from(position.checksum, "hex"))),
    logName: last.logId,
    logTerm: last.term,
    beginsAnew: context.beginsAnew,
    batches: batches.map(({ revision, writes }) => ({ revision, writes: writes.map((one) => encoded(one, revision)) })),
  }).finish();
  const bytes = Buffer.allocUnsafe(batchBytes(payload.byteLength));
  bytes.set(payload, headerBytes);
  sealBatch(bytes, {
    kind: "archived",
    clusterId: context.clusterId,
    logId: hashOfLogName(last.logId),
    term: context.epoch,
    sequence: last.sequence,
    revision: last.revision,
    acknowledged: context.publishedSequence,
    before: context.before.checksum,
    payloadBytes: payload.byteLength,
  });
  return { bytes, before: context.before, last };
}

/** A group as it is found; its batches are not decoded. */
export interface DescribedGroup extends GroupSummary {
  readonly logName: string;
  /** Of its batches' positions in that log. */
  readonly logTerm: number;
}

/** What an intact group is. `payload` is not kept. */
export function describeGroup(payload: Buffer, header: BatchHeader): DescribedGroup {
  const ids = Buffer.from(bytesField(payload, 1) ?? []);
  const name = bytesField(payload, 2) ?? new Uint8Array();
  const { term, sequence, before, acknowledged } = header;
  return {
    term,
    sequence,
    before,
    acknowledged,
    ids,
    firstSequence: sequence - ids.byteLength / idBytes + 1,
    beginsAnew: varintField(payload, 4) === 1,
    logName: Buffer.from(name).toString(),
    logTerm: varintField(payload, 3),
  };
}

/** The batches of an intact group. `payload` must stay as it is: the writes are views of it. */
export function batchesOfGroup(payload: Buffer, header: BatchHeader): ViewBatch[] {
  const { batchIds, logName, logTerm, batches } = journal.ArchiveGroup.decode(payload);
  const ids = Buffer.from(batchIds);
  return batches.map((batch, index) => {
    const revision = batch.revision as number;
    const position: ViewPosition = {
      logId: logName,
      revision,
      term: logTerm,
      sequence: header.sequence - batches.length + 1 + index,
      checksum: ids.toString("hex", index * idBytes, (index + 1) * idBytes),
    };
    return { revision, position, writes: (batch.writes ?? []).map((one) => decoded(one, revision)) };
  });
}

type ArchivedWrite = Parameters<typeof journal.ArchivedWrite.encode>[0];
const kinds = journal.ArchivedWrite.Kind;

function encoded(write: ViewWrite, batchRevision: number): ArchivedWrite {
  switch (write.kind) {
    case "put": {
      const revision = write.revision === batchRevision ? 0 : write.revision;
      return { kind: kinds.PUT, key: write.key, value: write.value, ...(revision === 0 ? {} : { revision }) };
    }
    case "delete":
      return { kind: kinds.DELETE, key: write.key };
    case "delete-range":
      return { kind: kinds.DELETE_RANGE, key: write.from, to: write.to };
    default:
      return assertNever(write);
  }
}

function decoded(write: ArchivedWrite, batchRevision: number): ViewWrite {
  const key = write.key as Uint8Array;
  if (write.kind === kinds.DELETE) return { kind: "delete", key };
  if (write.kind === kinds.DELETE_RANGE) return { kind: "delete-range", from: key, to: write.to as Uint8Array };
  const revision = write.revision === 0 ? batchRevision : (write.revision as number);
  return { kind: "put", key, value: write.value as Uint8Array, revision };
}
