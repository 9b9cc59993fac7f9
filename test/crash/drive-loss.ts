import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { S3Client } from "../harness/request.ts";
import { until } from "../harness/server.ts";

/** As far as this suite looks at `GET /kakera/admin/v1/status`. */
interface Status {
  readonly drives: readonly { readonly position: number; readonly condition: string }[];
  readonly census: {
    readonly startedMs: number | null;
    readonly chunkCount: number;
    readonly chunksByMissing: readonly number[];
  };
}

const position = 2;
const replaceTarget = "/kakera/admin/v1/drives/replace";
const mendedWithinMs = 120_000;

const placeIn = (directory: string): string => join(directory, `drive${position}`);

/** Takes a drive away for good, and has an empty folder made a drive in its place; the server may die on the way. */
export async function loseAndReplaceDrive(client: S3Client, directory: string): Promise<void> {
  const place = placeIn(directory);
  // All at once, as a device goes: file by file, the server would write between.
  renameSync(place, `${place}-lost`);
  rmSync(`${place}-lost`, { recursive: true });
  await until("the drive to be missed", async () => (await conditionOf(client)) === "offline");
  mkdirSync(place);
  await until("the replacement", () => isReplaced(client, directory));
}

/** Does again what a crash may have cut short, and waits until every chunk is whole. */
export async function mendDrive(client: S3Client, directory: string): Promise<void> {
  await until("the replacement", () => isReplaced(client, directory));
  const sinceMs = Date.now();
  const isWhole = async (): Promise<boolean> => {
    const { startedMs, chunkCount, chunksByMissing } = (await statusOf(client)).census;
    return (startedMs ?? 0) > sinceMs && (chunksByMissing[0] ?? 0) === chunkCount;
  };
  await until("every chunk to be whole", isWhole, mendedWithinMs);
}

/** Refused while the drive is there and works: then nothing is left to be done. */
async function isReplaced(client: S3Client, directory: string): Promise<boolean> {
  const body = JSON.stringify({ directory: placeIn(directory) });
  const answer = await client.send({ method: "POST", target: replaceTarget, body });
  return answer.status === 200 || (await conditionOf(client)) === "online";
}

async function conditionOf(client: S3Client): Promise<string | undefined> {
  return (await statusOf(client)).drives.find((drive) => drive.position === position)?.condition;
}

async function statusOf(client: S3Client): Promise<Status> {
  const answer = await client.send({ method: "GET", target: "/kakera/admin/v1/status" });
  if (answer.status !== 200) throw new Error(`status answered ${answer.status} ${answer.body.toString()}`);
  return JSON.parse(answer.body.toString()) as Status;
}
