import type { FileBytes } from "../memory/file-bytes.ts";
import type { FileChange } from "./history.ts";
import { drawBetween, type Temper } from "./temper.ts";

/** What a drive writes whole or not at all, as a rule. */
const sectorBytes = 512;
/** What a drive may spoil while it rewrites a part of it [F23]. */
const blockBytes = 4096;

interface Change {
  readonly change: FileChange;
  readonly order: number;
  /** Durable: no crash takes it back. */
  isPinned: boolean;
  /** A failed sync has marked its pages clean: no later sync makes it durable. */
  isLost: boolean;
}

/**
 * One file under the crash model: what is durable, and the changes since, in the order in which they took effect.
 * A sector that several changes touched holds, after a crash, what it held after any one of them that is not older than the last
 * durable one. The size follows the changes in their order, up to some point, as file systems log it.
 */
export class FileFate {
  #durable: FileBytes;
  #changes: Change[] = [];
  #nextOrder = 0;

  constructor(durable: FileBytes) {
    this.#durable = durable;
  }

  /** The changes of smaller order are those that ended before now. */
  get nextOrder(): number {
    return this.#nextOrder;
  }

  /** Whether a crash leaves but one possible content. */
  get isCertain(): boolean {
    return this.#changes.length === 0;
  }

  apply(change: FileChange): number {
    this.#changes.push({ change, order: this.#nextOrder, isPinned: false, isLost: false });
    return this.#nextOrder++;
  }

  /** A sync that began at `order` has ended: what came before it is durable. */
  pinBefore(order: number): void {
    for (const entry of this.#changes) if (entry.order < order && !entry.isLost) entry.isPinned = true;
    this.#absorb();
  }

  pinOne(order: number): void {
    for (const entry of this.#changes) if (entry.order === order) entry.isPinned = true;
    this.#absorb();
  }

  /** A sync that began at `order` has failed: its pages count as clean from now on, and go with the next crash or not. */
  loseBefore(order: number): void {
    for (const entry of this.#changes) if (entry.order < order && !entry.isPinned) entry.isLost = true;
  }

  loseOne(order: number): void {
    for (const entry of this.#changes) if (entry.order === order) entry.isLost = true;
  }

  /** One content that a crash may leave. `underWay`: changes begun and not ended. */
  afterCrash(underWay: readonly FileChange[], temper: Temper): FileBytes {
    const changes = [...this.#changes.map((entry) => entry.change), ...underWay];
    if (changes.length === 0) return this.#durable.share();
    const lastPinned = this.#changes.findLastIndex((entry) => entry.isPinned);
    const cut = drawCut(temper, { least: lastPinned, most: changes.length - 1 });
    const isPinned = (index: number): boolean => this.#changes[index]?.isPinned === true;
    const sectors = drawSectors(changes, { isPinned, cut, temper });
    const content = this.#durable.share();
    let sizeBytes = content.sizeBytes;
    for (const [index, change] of changes.entries()) {
      if (change.kind === "write") {
        writeSectors(content, { change, index, sectors });
        if (index <= cut) sizeBytes = Math.max(sizeBytes, change.positionBytes + change.data.byteLength);
      } else if (index <= cut) {
        sizeBytes = change.sizeBytes;
        content.truncate(sizeBytes);
      }
    }
    spoilOneBlock(content, { sectors, temper });
    content.truncate(sizeBytes);
    return content;
  }

  /** Durable changes with none before them that is not become part of the durable content. */
  #absorb(): void {
    let count = 0;
    for (; this.#changes[count]?.isPinned === true; count += 1) {
      const { change } = this.#changes[count] as Change;
      if (change.kind === "write") this.#durable.writeAt(change.data, change.positionBytes);
      else this.#durable.truncate(change.sizeBytes);
    }
    this.#changes.splice(0, count);
  }
}

/** The last change whose effect on the size is there. */
function drawCut(temper: Temper, { least, most }: { least: number; most: number }): number {
  if (temper.kind === "nothing") return least;
  if (temper.kind === "everything") return most;
  return drawBetween(temper.random, least, most);
}

interface SectorFate {
  /** The changes that touch it, oldest first. */
  readonly touches: number[];
  /** The last of them that is there. */
  kept: number;
  /** Bytes of that one that are there; more than a sector when it is whole. */
  tornAtBytes: number;
  /** Whether anything of it was not yet durable. */
  isUncertain: boolean;
}

interface SectorRules {
  readonly isPinned: (index: number) => boolean;
  readonly cut: number;
  readonly temper: Temper;
}

/** By the sector's number: what is there of it. */
function drawSectors(changes: readonly FileChange[], rules: SectorRules): Map<number, SectorFate> {
  const sectors = new Map<number, SectorFate>();
  for (const [index, change] of changes.entries()) {
    if (change.kind !== "write") continue;
    for (const number of sectorsOf(change)) {
      const fate = sectors.get(number) ?? { touches: [], kept: -1, tornAtBytes: sectorBytes, isUncertain: false };
      fate.touches.push(index);
      sectors.set(number, fate);
    }
  }
  for (const fate of sectors.values()) decideSector(fate, rules);
  return sectors;
}

function decideSector(fate: SectorFate, { isPinned, cut, temper }: SectorRules): void {
  const { touches } = fate;
  const least = touches.findLastIndex(isPinned);
  const most = touches.length - 1;
  fate.isUncertain = least < most;
  const at = ((): number => {
    switch (temper.kind) {
      case "nothing":
        return least;
      case "everything":
        return most;
      case "prefix":
        return Math.max(
          least,
          touches.findLastIndex((index) => index <= cut),
        );
      case "scatter":
        return temper.random.fraction() < temper.keptShare ? most : drawBetween(temper.random, least, most);
    }
  })();
  fate.kept = touches[at] ?? -1;
  const mayTear = temper.kind === "scatter" && at > least;
  if (mayTear && temper.random.fraction() < 0.1) fate.tornAtBytes = drawBetween(temper.random, 1, sectorBytes - 1);
}

interface SectorWrite {
  readonly change: Extract<FileChange, { kind: "write" }>;
  readonly index: number;
  readonly sectors: ReadonlyMap<number, SectorFate>;
}

/** Writes those parts of a change that are there. */
function writeSectors(content: FileBytes, { change, index, sectors }: SectorWrite): void {
  const endBytes = change.positionBytes + change.data.byteLength;
  let [fromBytes, untilBytes] = [0, 0];
  const flush = (): void => {
    if (untilBytes <= fromBytes) return;
    content.writeAt(
      change.data.subarray(fromBytes - change.positionBytes, untilBytes - change.positionBytes),
      fromBytes,
    );
  };
  for (const number of sectorsOf(change)) {
    const fate = sectors.get(number);
    if (fate === undefined || index > fate.kept) continue;
    const startBytes = Math.max(change.positionBytes, number * sectorBytes);
    const wholeEndBytes = Math.min(endBytes, (number + 1) * sectorBytes);
    const stopBytes =
      index === fate.kept ? Math.min(wholeEndBytes, number * sectorBytes + fate.tornAtBytes) : wholeEndBytes;
    if (startBytes !== untilBytes) {
      flush();
      fromBytes = startBytes;
    }
    untilBytes = Math.max(startBytes, stopBytes);
  }
  flush();
}

/** The power may go while a drive rewrites a block: then the whole block is lost, with what had been durable in it. */
function spoilOneBlock(
  content: FileBytes,
  { sectors, temper }: { sectors: ReadonlyMap<number, SectorFate>; temper: Temper },
): void {
  const { random, spoiledBlockShare } = temper;
  if (random.fraction() >= spoiledBlockShare) return;
  const uncertain = [...sectors].filter(([, fate]) => fate.isUncertain).map(([number]) => number);
  const sector = uncertain[Math.floor(random.fraction() * uncertain.length)];
  if (sector === undefined) return;
  const startBytes = Math.floor((sector * sectorBytes) / blockBytes) * blockBytes;
  const lengthBytes = Math.min(blockBytes, content.sizeBytes - startBytes);
  if (lengthBytes > 0) content.writeAt(random.bytes(lengthBytes), startBytes);
}

function* sectorsOf(change: { readonly positionBytes: number; readonly data: Uint8Array }): Generator<number> {
  const last = Math.floor((change.positionBytes + change.data.byteLength - 1) / sectorBytes);
  for (let number = Math.floor(change.positionBytes / sectorBytes); number <= last; number += 1) yield number;
}
