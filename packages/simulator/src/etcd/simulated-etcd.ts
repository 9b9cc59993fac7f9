import { assert } from "@kakera/kernel";
import { Machine } from "../world/machine.ts";
import type { World } from "../world/world.ts";
import { notFound, unavailable } from "./etcd-error.ts";
import { EtcdStore, type Revision } from "./etcd-store.ts";

/** What is told when members have agreed on it, or when it cannot be told. */
export type Reply =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly error: Error };

interface Proposal {
  readonly member: Machine;
  readonly run: () => unknown;
  /** Called at the member. */
  readonly reply: (reply: Reply) => void;
  readonly term: number;
}

interface Lease {
  readonly ttlMs: number;
  dueMs: number;
}

/** Somebody who is told of each revision. */
export interface RevisionListener {
  onRevision(revision: Revision): void;
  /** The member that it listens at has no leader. */
  onNoLeader(): void;
}

const leaseLookMs = 500;
const electionMs = 1_000;
/** Proposals that wait for a leader; etcd gives them up after some seconds, and so do their senders. */
const waitingMax = 10_000;

/**
 * A model of an etcd of some members: one state that changes where a leader with a quorum is; requests that a member holds, whose answers
 * are lost, or that land long after their senders gave up; leases by time; changes of leader. Reads are linearizable, as the log asks for.
 */
export class SimulatedEtcd {
  readonly members: readonly Machine[];
  readonly store = new EtcdStore();
  readonly #world: World;
  readonly #leases = new Map<string, Lease>();
  readonly #listeners = new Set<RevisionListener>();
  #waiting: Proposal[] = [];
  #leader: number | null = 0;
  #term = 1;
  #leaseCount = 0;
  /** Of answers to writes that get lost, and of writes that land late. */
  answerLossShare = 0;
  lateShare = 0;

  constructor(world: World, memberCount: number) {
    this.#world = world;
    this.members = Array.from({ length: memberCount }, (_, index) => new Machine(world, `etcd-${index + 1}`));
    this.#lookAtLeases();
  }

  get term(): number {
    return this.#term;
  }

  get leader(): Machine | null {
    return this.#leader === null ? null : (this.members[this.#leader] as Machine);
  }

  listen(listener: RevisionListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** At a member: has it decided where the leader is, and tells the outcome at the member. */
  propose(member: Machine, kind: "read" | "write", parts: Pick<Proposal, "run" | "reply">): void {
    const proposal: Proposal = { member, term: this.#term, ...parts };
    const world = this.#world;
    if (kind === "write" && world.chance(this.lateShare)) {
      // In a queue on its way to the leader, for longer than its sender waits.
      world.fired("etcd-answer-lost");
      member.later(world.between(800, 2_500), () => this.#pass(proposal));
    } else this.#pass(proposal);
  }

  grantLease(ttlSeconds: number): string {
    const id = String(7_000 + this.#leaseCount++);
    this.#leases.set(id, { ttlMs: ttlSeconds * 1000, dueMs: this.#world.time.nowMs + ttlSeconds * 1000 });
    return id;
  }

  /** Seconds that it has from now on; 0: there is no such lease. */
  keepLease(id: string): number {
    const lease = this.#leases.get(id);
    if (lease === undefined) return 0;
    lease.dueMs = this.#world.time.nowMs + lease.ttlMs;
    return lease.ttlMs / 1000;
  }

  hasLease(id: string): boolean {
    return this.#leases.has(id);
  }

  revokeLease(id: string): void {
    if (!this.#leases.delete(id)) throw notFound("requested lease not found");
    this.publish(this.store.dropLease(id));
  }

  /** The leases under which keys of this prefix lie. */
  leasesUnder(prefix: string): string[] {
    const { kvs } = this.store.range({ key: Buffer.from(prefix), range_end: Buffer.from(`${prefix}\xff`) });
    return [...new Set(kvs.map(({ lease }) => lease))];
  }

  publish(revision: Revision | null): void {
    if (revision === null) return;
    this.#world.note(`etcd r${revision.revision} ${revision.events.length}`);
    for (const listener of this.#listeners) listener.onRevision(revision);
  }

  /** The leader steps back or is lost; another one is there after a while, if there is a quorum. */
  changeLeader(afterMs: number): void {
    if (this.#leader !== null) {
      this.#leader = null;
      this.#term++;
      this.#world.note(`etcd term ${this.#term}`);
      if (this.#world.chance(0.5)) for (const listener of this.#listeners) listener.onNoLeader();
    }
    this.#world.time.after(afterMs, () => this.#elect());
  }

  /** After members were stopped or continued. */
  membersChanged(): void {
    const leader = this.#leader === null ? null : (this.members[this.#leader] as Machine);
    if (leader === null) this.#world.time.after(electionMs, () => this.#elect());
    else if (leader.isPaused || !this.#hasQuorum) this.changeLeader(electionMs);
  }

  get #hasQuorum(): boolean {
    return this.members.filter(({ isPaused }) => !isPaused).length > this.members.length / 2;
  }

  #elect(): void {
    if (this.#leader !== null || !this.#hasQuorum) return;
    const candidates = this.members.flatMap((member, index) => (member.isPaused ? [] : [index]));
    this.#leader = this.#world.pick(candidates);
    this.#world.note(`etcd leader ${this.#leader + 1}`);
    // A new leader gives every lease its whole time again.
    for (const lease of this.#leases.values()) lease.dueMs = this.#world.time.nowMs + lease.ttlMs;
    for (const proposal of this.#waiting.splice(0)) this.#pass({ ...proposal, term: this.#term });
  }

  #pass(proposal: Proposal): void {
    const leader = this.leader;
    if (leader === null) {
      assert(this.#waiting.length < waitingMax, "a history does not ask a leaderless etcd without end");
      this.#waiting.push(proposal);
      return;
    }
    leader.later(this.#world.between(0.2, 1.2), () => this.#decide({ ...proposal, term: this.#term }));
  }

  #decide(proposal: Proposal): void {
    const world = this.#world;
    if (proposal.term !== this.#term || this.#leader === null) {
      // It was in the hands of a leader that is none any more: either the others have it, or it is gone.
      if (this.#leader !== null && world.chance(0.5)) this.#attempt(proposal.run);
      return this.#answer(proposal, { kind: "failed", error: unavailable("etcdserver: leader changed") });
    }
    this.#answer(proposal, this.#attempt(proposal.run));
  }

  #attempt(run: () => unknown): Reply {
    try {
      return { kind: "done", value: run() };
    } catch (error) {
      assert(error instanceof Error && "code" in error, `etcd's own error, not ${String(error)}`);
      return { kind: "failed", error };
    }
  }

  #answer(proposal: Proposal, reply: Reply): void {
    proposal.member.later(this.#world.between(0.1, 0.5), () => proposal.reply(reply));
  }

  #lookAtLeases(): void {
    const { time } = this.#world;
    time.after(leaseLookMs, () => {
      if (this.#leader !== null) {
        for (const [id, { dueMs }] of this.#leases) {
          if (dueMs > time.nowMs) continue;
          this.#world.note(`lease ${id} is over`);
          this.revokeLease(id);
        }
      }
      this.#lookAtLeases();
    });
  }
}
