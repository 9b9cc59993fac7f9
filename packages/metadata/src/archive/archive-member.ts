import type { DriveId } from "@kakera/kernel";
import { JournalFolder, type JournalPlace } from "../journal/journal-folder.ts";
import type { MemberScan } from "../journal/scan-member.ts";
import type { ViewPosition } from "../ports/view.ts";
import type { ArchiveSettings } from "./archive-plan.ts";
import type { SealedGroup } from "./group-format.ts";
import type { LocatedCheckpoint } from "./scan-archive.ts";

/**
 * - `whole`: has a checkpoint and every batch behind it
 * - `bare`: takes what comes, and lacks something before it, until the next checkpoint
 * - `failed`: a call to its drive failed; takes nothing until it rejoins
 */
export type ArchiveMemberCondition = "whole" | "bare" | "failed";

export interface ArchiveMemberStatus {
  readonly driveId: DriveId;
  readonly condition: ArchiveMemberCondition;
  readonly durable: ViewPosition | null;
  readonly failure: unknown;
}

/** One drive that this leader writes the archive to. */
export class ArchiveMember {
  /** The archive's folder, with those of all leaders. */
  readonly root: JournalPlace;
  /** This leader's folder. */
  readonly place: JournalPlace;
  readonly folder: JournalFolder;
  /** Checkpoints on this drive that its groups go on from, oldest first. */
  bases: LocatedCheckpoint[] = [];
  /** Of the groups behind the newest of them. */
  bytesBehindBase = 0;
  failure: unknown = null;
  readonly #failed: (member: ArchiveMember) => void;
  #condition: ArchiveMemberCondition = "bare";
  #since: ViewPosition | null = null;
  #durable: ViewPosition | null = null;

  constructor(
    own: MemberScan,
    of: {
      readonly root: JournalPlace;
      readonly settings: ArchiveSettings;
      readonly failed: (member: ArchiveMember) => void;
    },
  ) {
    this.root = of.root;
    this.#failed = of.failed;
    this.place = own.place;
    this.folder = new JournalFolder(own.place, of.settings, own);
  }

  get condition(): ArchiveMemberCondition {
    return this.#condition;
  }

  get isUp(): boolean {
    return this.#condition !== "failed";
  }

  /** The last batch that is durable here. */
  get durable(): ViewPosition | null {
    return this.#durable;
  }

  get status(): ArchiveMemberStatus {
    const { condition, durable, failure } = this;
    return { driveId: this.root.driveId, condition, durable, failure };
  }

  /** Durable here when it resolves. Never rejects: a drive whose write fails is out, and the write is not tried again. */
  async append(group: SealedGroup): Promise<void> {
    if (!this.isUp) return;
    try {
      await this.folder.append(group.bytes, group.last.sequence);
    } catch (error) {
      return this.fail(error);
    }
    const { before, last } = group;
    if (this.#durable === null || before.sequence > this.#durable.sequence) {
      this.#since = before;
      this.#condition = "bare";
    }
    // A checkpoint may be ahead of the groups that its view was made of.
    if (this.#durable === null || last.sequence > this.#durable.sequence) this.#durable = last;
    this.bytesBehindBase += group.bytes.byteLength;
    if (this.folder.wantsSpares) void this.folder.prepareSpares().catch((error: unknown) => this.fail(error));
  }

  /** It holds a checkpoint and all that follows up to `end`, durably. */
  becomeWhole(end: ViewPosition, bases: readonly LocatedCheckpoint[]): void {
    this.bases = [...bases];
    this.#since = bases.at(-1)?.from ?? null;
    this.#durable = end;
    if (this.isUp) this.#condition = "whole";
  }

  /** A checkpoint is durable here. */
  addBase(base: LocatedCheckpoint, bytesBehind: number): void {
    const { from, until } = base;
    this.bases = [...this.bases.filter((other) => other.checkpoint.name !== base.checkpoint.name), base];
    this.bytesBehindBase = bytesBehind;
    if (!this.isUp) return;
    const [since, durable] = [this.#since, this.#durable];
    const isCovered = since !== null && durable !== null && since.sequence <= from.sequence;
    if (isCovered && durable.sequence >= until.sequence) this.#condition = "whole";
    else if (from.sequence === until.sequence && (durable === null || durable.sequence <= from.sequence)) {
      [this.#since, this.#durable] = [from, from];
      this.#condition = "whole";
    }
  }

  fail(error: unknown): void {
    if (!this.isUp) return;
    this.#condition = "failed";
    this.failure = error;
    this.#failed(this);
  }

  /** A drive that is out may refuse to close; its file is left to it. */
  async close(): Promise<void> {
    await this.folder.close().catch((error: unknown) => this.fail(error));
  }
}
