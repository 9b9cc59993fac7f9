import { idBytes, newId, type ChangeId, type Random, type SessionId } from "@kakera/kernel";
import type { Change, Compare } from "../ports/commit-log.ts";
import type { Key } from "../ports/view.ts";

/** On whose behalf a change is built: fresh ids, and the session that it will be committed under. */
export interface Author {
  readonly random: Random;
  readonly session: SessionId;
}

/** A record as the view held it, with the revision that a change built on it compares. */
export interface Seen<Record> {
  readonly record: Record;
  readonly revision: number;
  /** As in `Compare`. */
  readonly readAt?: number;
}

export type Put = Change["puts"][number];

/** The change's id as records carry it. */
export interface Stamp {
  readonly changeId: Buffer;
  readonly session: Buffer;
}

export function stampOf(author: Author, id: ChangeId): Stamp {
  return { changeId: idBytes(id), session: idBytes(author.session) };
}

export function newChangeId(author: Author): ChangeId {
  return newId("change", author.random);
}

/** Holds while `key` is as it was seen: at that revision, or absent. */
export function compareSeen(key: Key, seen: Seen<unknown> | null): Compare {
  if (seen === null) return { key, revision: 0 };
  const { revision, readAt } = seen;
  return readAt === undefined ? { key, revision } : { key, revision, readAt };
}
