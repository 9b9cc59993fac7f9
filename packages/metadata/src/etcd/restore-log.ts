import type { CallOptions } from "@grpc/grpc-js";
import type { IRequestOp } from "etcd3";
import { ClusterFailure, type Clock, type ClusterId, type Random } from "@kakera/kernel";
import type { View, ViewPosition } from "../ports/view.ts";
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
    await beginRestoring(connection);
    await connection.ask("remove the old rows", (client, options) =>
      client.kv.deleteRange({ key: keys.metadata.from, range_end: keys.metadata.to }, patient(options, clock)),
    );
    let rowCount = 0;
    for (const puts of batchesOf(what.view, keys)) {
      await connection.ask("write rows", (client, options) =>
        client.kv.txn({ compare: [], success: puts, failure: [] }, patient(options, clock)),
      );
      rowCount += puts.length;
      onProgress(rowCount);
    }
    const identity = newLogIdentity(what.clusterId, random, what.position);
    await connection.ask("end the restoration", (client, options) =>
      client.kv.txn(
        {
          compare: [],
          success: [
            { request_put: { key: keys.identity, value: encodeLogIdentity(identity) } },
            { request_delete_range: { key: keys.halt } },
            { request_put: { key: keys.tail, value: firstTail(random) } },
          ],
          failure: [],
        },
        options,
      ),
    );
    return identity;
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

/** From here on no gateway commits anything, and none takes what it finds for the whole. */
async function beginRestoring(connection: Connection): Promise<void> {
  const { keys } = connection;
  await connection.ask("begin to restore", (client, options) =>
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
