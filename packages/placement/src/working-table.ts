import { assert } from "@kakera/kernel";
import type { Roster } from "./make-roster.ts";

/**
 * A table while it is being planned: drives are indexes of the roster, `vacant` stands for no drive. What it holds when it
 * is made is what moving away from costs. Never has two shards of a group in one domain.
 */
export class WorkingTable {
  readonly vacant: number;
  readonly #roster: Roster;
  readonly #shardCount: number;
  readonly #domainCount: number;
  /** Homes of group g at g * shardCount and on. */
  readonly #homes: Int32Array;
  readonly #original: Int32Array;
  /** 1 at g * domainCount + d: group g has a shard in domain d. */
  readonly #taken: Uint8Array;
  /** By drive, and last the vacant homes: a group as often as it has any. */
  readonly #groupsOf: number[][];
  /** By drive: in how many groups it is a home that it was not at first. */
  readonly #arrivals: Int32Array;
  /** By group: how many of the drives that were its homes at first are not any more. */
  readonly #departures: Int32Array;

  /** `original`: by group, shardCount homes. */
  constructor(roster: Roster, original: readonly (readonly (number | null)[])[], shardCount: number) {
    this.#roster = roster;
    this.#shardCount = shardCount;
    this.vacant = roster.drives.length;
    this.#domainCount = roster.drivesOfDomain.length;
    this.#homes = new Int32Array(original.length * shardCount).fill(this.vacant);
    this.#taken = new Uint8Array(original.length * this.#domainCount);
    this.#groupsOf = Array.from({ length: this.vacant + 1 }, () => []);
    this.#arrivals = new Int32Array(this.vacant);
    this.#departures = new Int32Array(original.length);
    for (const [group, homes] of original.entries()) this.#takeOver(group, homes);
    this.#original = this.#homes.slice();
  }

  #takeOver(group: number, homes: readonly (number | null)[]): void {
    assert(homes.length === this.#shardCount, "each group of a pool has a home for each shard");
    for (const [index, home] of homes.entries()) {
      // Domains can have been drawn anew: of two shards in one, the second has to leave.
      const stays = home !== null && !this.isTaken(group, this.#domainOf(home));
      const drive = stays ? home : this.vacant;
      if (stays) this.#taken[group * this.#domainCount + this.#domainOf(home)] = 1;
      this.#homes[group * this.#shardCount + index] = drive;
      this.groupsOf(drive).push(group);
    }
  }

  /** The groups in which a drive is a home; of `vacant`: a group for each vacant home. Do not change it. */
  groupsOf(drive: number): number[] {
    const groups = this.#groupsOf[drive];
    assert(groups !== undefined, "a drive of the roster");
    return groups;
  }

  countOf(drive: number): number {
    return this.groupsOf(drive).length;
  }

  isTaken(group: number, domain: number): boolean {
    return this.#taken[group * this.#domainCount + domain] === 1;
  }

  /** Whether the group stays apart when `coming` takes the place of its home `leaving`. */
  canReplace(group: number, leaving: number, coming: number): boolean {
    const domain = this.#domainOf(coming);
    return leaving !== coming && (this.#domainOf(leaving) === domain || !this.isTaken(group, domain));
  }

  replace(group: number, leaving: number, coming: number): void {
    assert(this.canReplace(group, leaving, coming), "a group has at most one shard in a domain");
    const first = group * this.#shardCount;
    const at = this.#homes.indexOf(leaving, first);
    assert(at >= 0 && at < first + this.#shardCount, "who leaves a group is a home of it");
    this.#homes[at] = coming;
    if (leaving !== this.vacant) {
      this.#taken[group * this.#domainCount + this.#domainOf(leaving)] = 0;
      if (this.wasHome(group, leaving)) this.#departures[group]! += 1;
      else this.#arrivals[leaving]! -= 1;
    }
    this.#taken[group * this.#domainCount + this.#domainOf(coming)] = 1;
    if (this.wasHome(group, coming)) this.#departures[group]! -= 1;
    else this.#arrivals[coming]! += 1;
    const left = this.groupsOf(leaving);
    left.splice(left.indexOf(group), 1);
    this.groupsOf(coming).push(group);
  }

  /** It holds the group's data already: to be its home again costs nothing. */
  wasHome(group: number, drive: number): boolean {
    const end = (group + 1) * this.#shardCount;
    for (let at = group * this.#shardCount; at < end; at++) if (this.#original[at] === drive) return true;
    return false;
  }

  /** Slots of a drive whose data is not there yet: to take one away again gains what it would cost. */
  arrivalsOf(drive: number): number {
    return this.#arrivals[drive] ?? 0;
  }

  departuresOf(group: number): number {
    return this.#departures[group] ?? 0;
  }

  homes(group: number): Int32Array {
    return this.#homes.subarray(group * this.#shardCount, (group + 1) * this.#shardCount);
  }

  originalHomes(group: number): Int32Array {
    return this.#original.subarray(group * this.#shardCount, (group + 1) * this.#shardCount);
  }

  /** -1: vacant. */
  #domainOf(drive: number): number {
    return this.#roster.domainOf[drive] ?? -1;
  }
}
