import { SECOND_MS, sleep, type Clock } from "@kakera/kernel";
import { judgeExplanation, type ExplainReport } from "../admin/explain-report.ts";
import { judgeAnswer } from "../client/judge-answer.ts";
import type { ServerClient } from "../client/server-client.ts";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";

/** What became of an object when every byte of its shards was read. */
export interface ObjectVerdict {
  /** `in record`: it has no shards, the log keeps it; `gone`: deleted since it was listed. */
  readonly verdict: "ok" | "attention" | "lost" | "in record" | "gone";
  /** Of shards that were read and are sound. */
  readonly shardBytes: number;
  readonly troubles: readonly ShardTrouble[];
}

export interface ShardTrouble {
  readonly dataId: string;
  readonly chunkIndex: number;
  readonly shardIndex: number;
  readonly state: string;
  readonly driveId: string | null;
  readonly place: string | null;
}

type Chunk = ExplainReport["chunks"][number];

/** Read in one call: of the largest chunks as much as a slow drive gives within the patience of a client. */
const chunksAtOnce = 2;
const retryMs = [SECOND_MS, 2 * SECOND_MS, 4 * SECOND_MS, 8 * SECOND_MS] as const;
const changesMax = 8;

/**
 * Has the server read and verify every shard of an object, data and parity, piece by piece. An object that is overwritten meanwhile is begun
 * anew. Rejects with CommandFailure (unreachable) when the server stays away.
 */
export async function verifyObject(
  { client, clock }: { readonly client: Pick<ServerClient, "send">; readonly clock: Clock },
  { bucket, key }: { readonly bucket: string; readonly key: string },
): Promise<ObjectVerdict> {
  let chunks: Chunk[] = [];
  let troubles: ShardTrouble[] = [];
  let revision: number | null = null;
  for (let changes = 0; ;) {
    const report = await explain({ client, clock }, { bucket, key, firstChunk: chunks.length });
    if (report === null) return { verdict: "gone", shardBytes: 0, troubles: [] };
    if (revision !== null && report.revision !== revision && changes++ < changesMax) {
      [chunks, troubles, revision] = [[], [], null];
      continue;
    }
    revision = report.revision;
    chunks = [...chunks, ...report.chunks];
    troubles = [...troubles, ...report.chunks.flatMap((chunk) => troublesOf(report, chunk))];
    if (report.chunkCount === 0) return { verdict: "in record", shardBytes: 0, troubles: [] };
    if (chunks.length >= report.chunkCount || report.chunks.length === 0)
      return { verdict: judgeExplanation(chunks), shardBytes: soundBytes(chunks), troubles };
  }
}

async function explain(
  { client, clock }: { readonly client: Pick<ServerClient, "send">; readonly clock: Clock },
  asked: { readonly bucket: string; readonly key: string; readonly firstChunk: number },
): Promise<ExplainReport | null> {
  const { bucket, key, firstChunk } = asked;
  const query = new URLSearchParams({ bucket, key, reads: "blocks", chunks: String(chunksAtOnce) });
  query.set("firstChunk", String(firstChunk));
  const path = `/kakera/admin/v1/explain?${query.toString().replaceAll("+", "%20")}`;
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await client.send("GET", path);
      if (answer.status === 404) return null;
      return JSON.parse(judgeAnswer(answer)) as ExplainReport;
    } catch (failure) {
      const waitMs = retryMs[attempt];
      if (!(failure instanceof CommandFailure) || failure.exitCode !== exitCodes.unreachable || waitMs === undefined)
        throw failure;
      await sleep(clock, waitMs);
    }
  }
}

function troublesOf({ drives }: ExplainReport, { dataId, chunkIndex, shards }: Chunk): ShardTrouble[] {
  return shards.flatMap(({ shardIndex, places }): ShardTrouble[] => {
    const about = { dataId, chunkIndex, shardIndex };
    if (places.length === 0) return [{ ...about, state: "lacks", driveId: null, place: null }];
    return places
      .filter(({ state, role }) => state !== "verified" || role !== "home")
      .map(({ state, driveId, role }) => ({
        ...about,
        state: state === "verified" ? `on a ${role}` : state,
        driveId,
        place: drives.find((drive) => drive.driveId === driveId)?.place ?? null,
      }));
  });
}

function soundBytes(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { shards, shardSizeBytes }) => {
    const sound = shards.flatMap(({ places }) => places).filter(({ state }) => state === "verified");
    return sum + sound.length * shardSizeBytes;
  }, 0);
}
