import type { CallOptions } from "@grpc/grpc-js";
import type { IRequestOp } from "etcd3";
import { ClusterFailure, type Clock, type ClusterId, type Random } from "@kakera/kernel";
import type { View, ViewPosition } from "../ports/view.ts";
import { hasRevision } from "./change-batch.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdAccess } from "./etcd-members.ts";
import { firstTail } from "./form-tail.ts";
import { haltReason } from "./halt.ts";
import { encodeLogIdentity, newLogIdentity, readIdentity, type LogIdentity } from "./log-identity.ts";
import { withConnection, type Connection, type ConnectionSettings } from "./with-connection.ts";

export interface RestoringComponents {
  readonly access: EtcdAccess;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of the rows that are written, now and then. */
  readonly onProgress: (rowCount: number) => void;
}

/** What is put back, and whose it is. */
export interface Restoration {
  readonly clusterId: ClusterId;
  readonly view: View;
  readonly position: ViewPosition;
}

/**
 * Writes a log's state, as the archive gave it back, into an etcd that has lost it: one that holds nothing under the prefix, or was halted
 * because it contradicts what was seen of it. It is halted from the first row to the last, so that nobody takes a part for the whole; cut
 * short, it is done again from the start. Rejects with ClusterFailure: `halt` when etcd holds a log that nobody has halted, or another
 * cluster's; `retry`.
 */
export async function restoreLog(
  components: RestoringComponents,
  settings: ConnectionSettings,
  what: Restoration,
): Promise<LogIdentity> {
  return withConnection(components, settings, async (connection) => {
    const { clock, random, onProgress } = components;
    const { keys } = connection;
    await checkReplaceable(connection, what.clusterId);
    const fence = await beginRestoring(connection);
    const write = (what: string, operations: IRequestOp[]): Promise<void> =>
      writeFenced(connection, { what, operations, fence, clock });
    const { from, to } = keys.metadata;
    await write("remove the old rows", [{ request_delete_range: { key: from, range_end: to } }]);
    let rowCount = 0;
    for (const puts of batchesOf(what.view, keys)) {
      await write("write rows", puts);
      rowCount += puts.length;
      onProgress(rowCount);
    }
    const identity = newLogIdentity(what.clusterId, random, what.position);
    await endRestoring(connection, { identity, tail: firstTail(random), fence });
    return identity;
  });
}

interface FencedWrite {
  readonly what: string;
  readonly operations: IRequestOp[];
  /** Revision of the halt that this restoration wrote. */
  readonly fence: number;
  readonly clock: Clock;
}

/**
 * Only while this restoration's own halt stands: an attempt whose answer was lost may land much later, when gateways have changed the rows
 * (correctness.md F3), and another restoration may have begun. Rejects with `retry` then.
 */
async function writeFenced(connection: Connection, { what, operations, fence, clock }: FencedWrite): Promise<void> {
  const compare = [hasRevision(connection.keys.halt, fence)];
  const answer = await connection.ask(what, (client, options) =>
    client.kv.txn({ compare, success: operations, failure: [] }, patient(options, clock)),
  );
  if (!answer.succeeded) throw overtaken();
}

async function endRestoring(
  connection: Connection,
  end: { readonly identity: LogIdentity; readonly tail: Buffer; readonly fence: number },
): Promise<void> {
  const { keys } = connection;
  const value = encodeLogIdentity(end.identity);
  const answer = await connection.ask("end the restoration", (client, options) =>
    client.kv.txn(
      {
        compare: [hasRevision(keys.halt, end.fence)],
        success: [
          { request_put: { key: keys.identity, value } },
          { request_delete_range: { key: keys.halt } },
          { request_put: { key: keys.tail, value: end.tail } },
        ],
        failure: [{ request_range: { key: keys.identity } }],
      },
      options,
    ),
  );
  // An attempt before this one may have landed: then the identity is the one that it wrote.
  const landed = answer.succeeded || answer.responses[0]?.response_range.kvs[0]?.value.equals(value) === true;
  if (!landed) throw overtaken();
}

function overtaken(): ClusterFailure {
  return new ClusterFailure("retry", "another restoration has begun, or the halt was lifted: begin again", {
    reason: "LOG_UNREACHABLE",
  });
}

const restoringReason =
  "the metadata is being restored. Where that was cut short, begin kakera recover-metadata again: it starts anew.";

async function checkReplaceable(connection: Connection, clusterId: ClusterId): Promise<void> {
  const { keys } = connection;
  const identity = await readIdentity(connection, connection.deadlineMs());
  if (identity !== null && identity.clusterId !== clusterId)
    throw refused(`etcd holds the metadata of another cluster (${identity.clusterId}) under ${keys.prefix}`);
  const answer = await connection.ask("look for a log", (client, options) =>
    client.kv.txn(
      {
        compare: [],
        success: [{ request_range: { key: keys.halt } }, { request_range: { key: keys.tail } }],
        failure: [],
      },
      options,
    ),
  );
  const [halt, tail] = answer.responses.map((response) => response.response_range);
  const isLiving = tail?.kvs.length === 1 && haltReason(halt) === null;
  if (isLiving)
    throw refused(`etcd holds a log under ${keys.prefix} that nothing contradicts: restoring would lose what it has`);
}

/** From here on no gateway commits anything, and none takes what it finds for the whole. Resolves with the revision of the halt. */
async function beginRestoring(connection: Connection): Promise<number> {
  const { keys } = connection;
  const answer = await connection.ask("begin to restore", (client, options) =>
    client.kv.txn(
      {
        compare: [],
        success: [
          { request_put: { key: keys.halt, value: Buffer.from(restoringReason) } },
          // With it gone, nobody who still has the log of before in mind halts the one that comes.
          { request_delete_range: { key: keys.identity } },
          { request_delete_range: { key: keys.tail } },
        ],
        failure: [],
      },
      options,
    ),
  );
  return Number(answer.header.revision);
}

const rowsPerTransaction = 100;
const bytesPerTransaction = 512 * 1024;
const rowsPerPage = 1_000;
/** Removing millions of rows takes etcd a while, and nobody else asks it anything. */
const patienceMs = 300_000;

function* batchesOf(view: View, keys: EtcdKeys): Generator<IRequestOp[]> {
  let puts: IRequestOp[] = [];
  let bytes = 0;
  const last = Buffer.from([0xff]);
  for (let from: Buffer = Buffer.alloc(0); ;) {
    const page = view.range(from, last, rowsPerPage);
    for (const { key, value } of page) {
      puts.push({ request_put: { key: keys.of(key), value } });
      bytes += key.byteLength + value.byteLength;
      if (puts.length < rowsPerTransaction && bytes < bytesPerTransaction) continue;
      yield puts;
      puts = [];
      bytes = 0;
    }
    const end = page.at(-1);
    if (end === undefined) break;
    from = Buffer.concat([end.key, Buffer.of(0)]);
  }
  if (puts.length > 0) yield puts;
}

function patient(options: CallOptions, clock: Clock): CallOptions {
  return { ...options, deadline: clock.nowMs() + patienceMs };
}

function refused(sentence: string): ClusterFailure {
  return new ClusterFailure("halt", sentence, { reason: "DRIVE_FOREIGN" });
}
