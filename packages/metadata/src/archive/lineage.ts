import { idAt, type GroupSummary } from "./group-format.ts";

/** A batch of the followed log: its place in it and its own id, which no other lineage has. */
export interface LogPoint {
  readonly sequence: number;
  readonly id: string;
}

/** A group of a chain, of which the batches up to `until` belong to it: another leader's group may go on from its middle. */
export interface Link<Group extends GroupSummary> {
  readonly group: Group;
  readonly until: number;
}

/** Groups by what they hold: leaders that wrote the same batches cut them into groups in different ways. */
export class Lineage<Group extends GroupSummary & { readonly checksum: string }> {
  /** Newest epoch first; within an epoch in order of sequence. */
  readonly #epochs: { readonly epoch: number; readonly groups: readonly Group[] }[];

  /** Copies of a group count once. */
  constructor(groups: readonly Group[]) {
    const distinct = new Map(groups.map((group) => [group.checksum, group]));
    this.#epochs = [...Map.groupBy(distinct.values(), (group) => group.term)]
      .map(([epoch, own]) => ({ epoch, groups: own.sort((a, b) => a.sequence - b.sequence) }))
      .sort((a, b) => b.epoch - a.epoch);
  }

  get epochs(): readonly { readonly epoch: number; readonly groups: readonly Group[] }[] {
    return this.#epochs;
  }

  /** The links that lead to a batch, oldest first, as far back as there are groups for it. */
  linksTo(point: LogPoint): Link<Group>[] {
    const links: Link<Group>[] = [];
    for (let at = point, group = this.#holderOf(at); group !== null; group = this.#holderOf(at)) {
      links.push({ group, until: at.sequence });
      at = { sequence: group.firstSequence - 1, id: group.before };
    }
    return links.reverse();
  }

  /** The links that lead on from a batch, oldest first. */
  linksFrom(point: LogPoint): Link<Group>[] {
    const links: Link<Group>[] = [];
    for (let at = point, group = this.#followerOf(at); group !== null; group = this.#followerOf(at)) {
      links.push({ group, until: group.sequence });
      at = { sequence: group.sequence, id: idAt(group, group.sequence) as string };
    }
    return links;
  }

  /** The group that has the batch in it. */
  #holderOf({ sequence, id }: LogPoint): Group | null {
    return this.#find(sequence, (group) => group.firstSequence <= sequence && idAt(group, sequence) === id);
  }

  /** The group that has what comes after the batch. */
  #followerOf({ sequence, id }: LogPoint): Group | null {
    return this.#find(sequence + 1, (group) => group.firstSequence <= sequence + 1 && idAt(group, sequence) === id);
  }

  /** Of the groups that reach a sequence, the first of each epoch is looked at, newest epoch first. */
  #find(sequence: number, isWanted: (group: Group) => boolean): Group | null {
    for (const { groups } of this.#epochs) {
      const group = groups[firstReaching(groups, sequence)];
      if (group !== undefined && isWanted(group)) return group;
    }
    return null;
  }
}

function firstReaching(groups: readonly GroupSummary[], sequence: number): number {
  let [low, high] = [0, groups.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((groups[middle] as GroupSummary).sequence < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Id of the chain's batch of that sequence; null when the chain does not hold it. */
export function idOnChain(links: readonly Link<GroupSummary>[], sequence: number): string | null {
  let [low, high] = [0, links.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((links[middle] as Link<GroupSummary>).until < sequence) low = middle + 1;
    else high = middle;
  }
  const link = links[low];
  return link === undefined ? null : idAt(link.group, sequence);
}
