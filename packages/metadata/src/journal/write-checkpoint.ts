import { assert, type DiskFile, type Failpoints } from "@kakera/kernel";
import type { View, ViewPosition } from "../ports/view.ts";
import { encodeCheckpointBlock, encodeHead, encodeTail, entryBytes, writeEntry } from "./checkpoint-format.ts";
import { journalNames } from "./journal-names.ts";
import type { JournalPlace } from "./journal-folder.ts";
import { readCheckpoint, type CheckpointFile } from "./read-checkpoint.ts";

export interface CheckpointInput {
  readonly clusterId: string;
  /** Of an archive: the name that the position's log id is a hash of. */
  readonly logName?: string;
  readonly view: Pick<View, "walk"> & { readonly position: ViewPosition | null };
  /** Waited for before the files get their names: a checkpoint is good only with everything up to `until`. Rejects: no checkpoint. */
  readonly whenDurable?: (until: ViewPosition) => Promise<void>;
  readonly forgotten: readonly string[];
  readonly blockBytes: number;
  readonly failpoints: Failpoints;
}

/** Whose folder gets a copy. */
export interface CheckpointHolder {
  readonly place: JournalPlace;
}

export interface CheckpointOutcome<Holder> {
  readonly checkpoint: CheckpointFile;
  readonly written: readonly Holder[];
  readonly failed: readonly { readonly member: Holder; readonly error: unknown }[];
}

/**
 * Copies the view to all `members` at once, a block at a time, while changes go on: a *fuzzy* copy.
 *
 * It is walked in slices without a transaction that spans them, so it is no state that ever was: each key is as it was at
 * some batch between `from` (the last applied when the walk began) and `until` (the last when it ended). That is enough,
 * because a journal batch holds results (this key has this value and revision; this key, this range is gone) and no
 * conditions. Replaying all batches behind `from` in order gives, for each key: if none of them touches it, it was the same
 * all along and the copy has it; if some do, the last of them alone decides, by put, delete or delete-range, whatever the
 * copy holds. So the state is exact once `until` was replayed, and after every batch from there on. Before it is not, so a
 * journal that ends below `until` refuses the checkpoint; what was applied to the view was acknowledged, so it never does.
 * Usage is a function of the rows present (usage-ledger.ts), so it comes out right too.
 */
export async function writeCheckpoint<Holder extends CheckpointHolder>(
  input: CheckpointInput,
  members: readonly Holder[],
): Promise<CheckpointOutcome<Holder>> {
  const from = input.view.position;
  assert(from !== null && from.sequence > 0, "a checkpoint is of a view that has a position");
  const { clusterId, logName = "" } = input;
  const streams = members.map((member) => new CheckpointStream(member, journalNames.checkpoint(from.sequence)));
  await each(streams, (stream) => stream.begin());
  let [at, blockCount, entryCount] = [0, 0, 0];
  const send = async (block: Buffer): Promise<void> => {
    await each(streams, (stream) => stream.write(block, at));
    at += block.byteLength;
  };
  await send(
    encodeCheckpointBlock("head", encodeHead({ clusterId, logId: from.logId, logName }, from), {
      number: 0,
      logId: from.logId,
    }),
  );
  for (let start: Buffer | null = Buffer.of(0); start !== null;) {
    const slice = takeSlice(input.view, start, input.blockBytes);
    start = slice.next;
    if (slice.entryCount === 0) break;
    entryCount += slice.entryCount;
    await send(encodeCheckpointBlock("entries", slice.payload, { number: ++blockCount, logId: from.logId }));
  }
  const until = input.view.position as ViewPosition;
  const tail = encodeTail({ from, until, entryCount, blockCount, forgotten: input.forgotten });
  await send(encodeCheckpointBlock("tail", tail, { number: blockCount + 1, logId: from.logId }));
  try {
    await input.whenDurable?.(until);
  } catch (error) {
    await each(streams, (stream) => stream.giveUp(error));
    throw error;
  }
  const checkpoint: CheckpointFile = {
    name: journalNames.checkpoint(from.sequence),
    logId: from.logId,
    logName,
    sizeBytes: at,
    from,
    until,
    entryCount,
    blockCount,
    forgotten: input.forgotten as CheckpointFile["forgotten"],
  };
  await each(streams, (stream) => stream.publish(checkpoint, input.failpoints));
  return {
    checkpoint,
    written: streams.filter((stream) => stream.error === null).map((stream) => stream.member),
    failed: streams.filter((stream) => stream.error !== null).map(({ member, error }) => ({ member, error })),
  };
}

/** Entries from `start` on, about `blockBytes` of them, read in one go; `next` is null at the end of the view. */
function takeSlice(
  view: Pick<View, "walk">,
  start: Buffer,
  blockBytes: number,
): { payload: Buffer; entryCount: number; next: Buffer | null } {
  let payload = Buffer.allocUnsafe(blockBytes);
  let [used, entryCount] = [0, 0];
  let next: Buffer | null = null;
  view.walk(start, Buffer.of(0xff), (key, value, revision) => {
    const bytes = entryBytes(key, value);
    if (used + bytes > payload.byteLength) {
      if (entryCount > 0) {
        next = Buffer.from(key);
        return "stop";
      }
      payload = Buffer.allocUnsafe(bytes);
    }
    used = writeEntry(payload, used, { key, value, revision });
    entryCount++;
    return "next";
  });
  return { payload: payload.subarray(0, used), entryCount, next };
}

/** One member's file. After its first error it is passed over; the others go on. */
class CheckpointStream<Holder extends CheckpointHolder> {
  readonly member: Holder;
  error: unknown = null;
  readonly #name: string;
  #file: DiskFile | null = null;

  constructor(member: Holder, name: string) {
    this.member = member;
    this.#name = name;
  }

  async begin(): Promise<void> {
    const { disk } = this.member.place;
    if ((await disk.stat(this.#unfinishedPath)) !== null) await disk.unlink(this.#unfinishedPath);
    this.#file = await disk.open(this.#unfinishedPath, { access: "create" });
  }

  async write(block: Buffer, at: number): Promise<void> {
    await this.#file?.write(block, at);
  }

  async publish(checkpoint: CheckpointFile, failpoints: Failpoints): Promise<void> {
    const { disk, directory } = this.member.place;
    await this.#file?.fdatasync();
    await this.#close();
    for await (const _ of readCheckpoint(disk, directory, {
      ...checkpoint,
      name: journalNames.unfinished(this.#name),
    }));
    failpoints.hit("checkpoint.before-rename");
    await disk.rename(this.#unfinishedPath, `${directory}/${this.#name}`);
    failpoints.hit("checkpoint.after-rename");
    await disk.syncDirectory(directory);
  }

  /** What is left of the file takes no room; a drive that cannot even do that keeps it until the next start. */
  async giveUp(error: unknown): Promise<void> {
    this.error = error;
    try {
      await this.#close();
      await this.member.place.disk.unlink(this.#unfinishedPath);
    } catch {
      return;
    }
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  get #unfinishedPath(): string {
    return `${this.member.place.directory}/${journalNames.unfinished(this.#name)}`;
  }
}

async function each<Holder extends CheckpointHolder>(
  streams: readonly CheckpointStream<Holder>[],
  step: (stream: CheckpointStream<Holder>) => Promise<void>,
): Promise<void> {
  await Promise.all(
    streams
      .filter((stream) => stream.error === null)
      .map((stream) => step(stream).catch((error: unknown) => stream.giveUp(error))),
  );
}
