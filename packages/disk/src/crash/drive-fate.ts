import { assert } from "@kakera/kernel";
import { FileBytes } from "../memory/file-bytes.ts";
import { MemoryTree, type MemoryFolder, type MemoryNode } from "../memory/memory-tree.ts";
import { FileFate } from "./file-fate.ts";
import type { Action, CallOutcome, CrashEvent, FileChange, NameAction } from "./history.ts";
import { NameFate, type Names } from "./name-fate.ts";
import { drawTemper, type TemperRules } from "./temper.ts";

interface CallUnderWay {
  readonly action: Action;
  /** Of a sync: the changes of smaller order had ended when it began. */
  readonly coversBefore: number;
}

/** One drive under the crash model, taken through its history event by event. */
export class DriveFate {
  readonly #files = new Map<number, FileFate>();
  readonly #names: NameFate;
  readonly #underWay = new Map<number, CallUnderWay>();

  constructor(start: MemoryTree) {
    const names: Names = new Map();
    readTree(start.root, names, this.#files);
    this.#names = new NameFate(names);
  }

  /** Whether a crash now leaves but one possible content. */
  get isCertain(): boolean {
    const changesUnderWay = [...this.#underWay.values()].some(({ action }) => !isSync(action));
    return !changesUnderWay && this.#names.isCertain && [...this.#files.values()].every((file) => file.isCertain);
  }

  take(event: CrashEvent): void {
    if (event.kind === "started") return this.#start(event.call, event.action);
    const call = this.#underWay.get(event.call);
    assert(call !== undefined, "a call ends once, after its start");
    this.#underWay.delete(event.call);
    if (event.outcome !== "refused") this.#end(call, event.outcome);
  }

  afterCrash(rules: TemperRules): MemoryTree {
    const underWay = [...this.#underWay.values()].map((call) => call.action);
    const names = this.#names.afterCrash(underWay.filter(isNameAction), rules);
    const changes = Map.groupBy(underWay.filter(isFileChange), (change) => change.file);
    const contentOf = (file: number): FileBytes =>
      this.#file(file).afterCrash(changes.get(file) ?? [], drawTemper(rules));
    return new MemoryTree(growFolder(0, { names, contentOf }));
  }

  #start(call: number, action: Action): void {
    let coversBefore = 0;
    if (action.kind === "fdatasync") coversBefore = this.#file(action.file).nextOrder;
    if (action.kind === "sync-folder") coversBefore = this.#names.nextOrder;
    if (action.kind === "add" && action.nodeKind === "file")
      this.#files.set(action.node, new FileFate(new FileBytes()));
    this.#underWay.set(call, { action, coversBefore });
  }

  #end({ action, coversBefore }: CallUnderWay, outcome: CallOutcome): void {
    const isDone = outcome === "done";
    switch (action.kind) {
      case "add":
      case "move":
      case "remove":
        return this.#names.apply(action);
      case "sync-folder":
        return isDone ? this.#names.pinBefore(coversBefore, action.folder) : undefined;
      case "fdatasync": {
        const file = this.#file(action.file);
        return isDone ? file.pinBefore(coversBefore) : file.loseBefore(coversBefore);
      }
      case "truncate":
        this.#file(action.file).apply(action);
        return;
      case "write": {
        const file = this.#file(action.file);
        const order = file.apply(action);
        if (!action.isSynchronous) return;
        return isDone ? file.pinOne(order) : file.loseOne(order);
      }
    }
  }

  #file(file: number): FileFate {
    const fate = this.#files.get(file);
    assert(fate !== undefined, "a file is made before it is used");
    return fate;
  }
}

function isSync(action: Action): boolean {
  return action.kind === "fdatasync" || action.kind === "sync-folder";
}

function isFileChange(action: Action): action is FileChange {
  return action.kind === "write" || action.kind === "truncate";
}

function isNameAction(action: Action): action is NameAction {
  return action.kind === "add" || action.kind === "move" || action.kind === "remove";
}

function readTree(folder: MemoryFolder, names: Names, files: Map<number, FileFate>): void {
  names.set(folder.id, new Map([...folder.entries].map(([name, node]) => [name, node.id])));
  for (const node of folder.entries.values()) {
    if (node.kind === "folder") readTree(node, names, files);
    else files.set(node.id, new FileFate(node.bytes.share()));
  }
}

interface Seeds {
  readonly names: Names;
  readonly contentOf: (file: number) => FileBytes;
}

/** The folder and all below it: what no name leads to is gone. */
function growFolder(id: number, seeds: Seeds): MemoryFolder {
  const entries = new Map<string, MemoryNode>();
  for (const [name, node] of seeds.names.get(id) ?? []) {
    const isFolder = seeds.names.has(node);
    entries.set(name, isFolder ? growFolder(node, seeds) : { kind: "file", id: node, bytes: seeds.contentOf(node) });
  }
  return { kind: "folder", id, entries };
}
