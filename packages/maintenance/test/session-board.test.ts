import { describe, expect, test } from "vitest";
import { createManualClock, createSeededRandom, newId, silentLogger, type SessionId } from "@kakera/kernel";
import type { ClusterLog, LiveSession } from "@kakera/metadata";
import { SessionBoard } from "../src/index.ts";

const random = createSeededRandom(5);
const [a, b, c] = [1, 2, 3].map(() => newId("session", random)) as [SessionId, SessionId, SessionId];

function live(createRevision: number, marks: { reads?: number; writes?: number; floor?: number } | null): LiveSession {
  const report =
    marks === null
      ? null
      : {
          viewRevision: 1,
          heldRevision: null,
          readsFrom: marks.reads ?? 0,
          writesFrom: marks.writes ?? 0,
          writeFloor: marks.floor ?? 0,
        };
  return { createRevision, report };
}

/** A board over sessions that the test sets; `read` has it read them. */
async function boardOver(first: ReadonlyMap<SessionId, LiveSession>, keepsUnproven = false) {
  const clock = createManualClock();
  const held: { answer: Promise<void> | null } = { answer: null };
  const state = { sessions: first, appliedRevision: 100, reads: 0, held };
  const log = {
    identity: { keepsUnproven },
    session: a,
    view: {
      get appliedRevision() {
        return state.appliedRevision;
      },
    },
    readSessions: async () => {
      state.reads++;
      const { sessions } = state;
      await held.answer;
      return sessions;
    },
  } as unknown as ClusterLog;
  const board = new SessionBoard({ log, clock, logger: silentLogger });
  const end = new AbortController();
  void board.run(end.signal);
  const read = async (sessions: ReadonlyMap<SessionId, LiveSession>): Promise<void> => {
    state.sessions = sessions;
    const before = state.reads;
    for (let turn = 0; state.reads === before && turn < 1000; turn++) {
      clock.advance(1000);
      await Promise.resolve();
    }
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  await read(first);
  return { board, read, state };
}

describe("the board of sessions", () => {
  test("takes what is in no list for gone only when a later list lacks it too", async () => {
    const known = new Map([[a, live(1, { floor: 7 })]]);
    const { board, read } = await boardOver(known);
    expect([board.isLive(a), board.floorOf(a)]).toEqual([true, 7]);
    // It may have begun a moment ago.
    expect([board.isLive(b), board.floorOf(b)]).toEqual([true, 0]);
    await read(known);
    expect([board.isLive(b), board.floorOf(b)]).toEqual([false, Infinity]);
    expect(board.floorOf(c)).toBe(0);
    await read(new Map([...known, [c, live(120, null)]]));
    expect([board.isLive(c), board.floorOf(c)]).toEqual([true, 0]);
  });

  test("does not believe a reading that was under way when it was asked", async () => {
    const known = new Map([[a, live(1, {})]]);
    const { board, read, state } = await boardOver(known);
    const answer = Promise.withResolvers<void>();
    state.held.answer = answer.promise;
    await read(known);
    // b has begun after that list was made, and is asked for before it arrives.
    board.isLive(b);
    state.held.answer = null;
    answer.resolve();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect([board.isLive(b), board.floorOf(b)]).toEqual([true, 0]);
    await read(known);
    expect(board.floorOf(b)).toBe(Infinity);
  });

  test("has no mark passed by a list that this process is not in", async () => {
    const { board } = await boardOver(new Map());
    expect(board.reads.isPassed(board.reads.set())).toBe(false);
  });

  test("says nothing of those that are gone while unproven shards are kept", async () => {
    const { board, read } = await boardOver(new Map(), true);
    board.isLive(b);
    await read(new Map());
    expect([board.isLive(b), board.floorOf(b)]).toEqual([false, 0]);
  });

  test("has a mark passed when every session that is as old has reported past it", async () => {
    const { board, read, state } = await boardOver(
      new Map([
        [a, live(1, { reads: 90 })],
        [b, live(2, null)],
      ]),
    );
    const mark = board.reads.set();
    expect(mark).toBe(100);
    expect(board.reads.isPassed(mark)).toBe(false);
    await read(
      new Map([
        [a, live(1, { reads: 100 })],
        [b, live(2, { reads: 99 })],
      ]),
    );
    expect(board.reads.isPassed(mark)).toBe(false);
    state.appliedRevision = 130;
    await read(
      new Map([
        [a, live(1, { reads: 110 })],
        [b, live(2, { reads: 100 })],
        [c, live(120, null)],
      ]),
    );
    expect([board.reads.isPassed(mark), board.writes.isPassed(mark)]).toEqual([true, false]);
    expect(board.reads.isPassed(board.reads.set())).toBe(false);
  });
});
