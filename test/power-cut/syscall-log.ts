import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What to hand to strace so that {@link readSyscallLog} understands what it writes. */
export function straceArguments(logPrefix: string): string[] {
  const calls = "openat,write,writev,pwrite64,pwritev,fdatasync,fsync,rename,renameat,renameat2,unlink,ftruncate,mkdir";
  // One file for each thread, so that no call is torn in two; paths beside descriptors; start and duration of each call.
  return ["-ff", "-yy", "-ttt", "-T", "-s", "0", "-e", `trace=${calls}`, "-o", logPrefix];
}

export interface Syscall {
  readonly name: string;
  readonly args: string;
  readonly result: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** The calls of all threads and children that succeeded, in order of their start. */
export function readSyscallLog(folder: string, prefix: string): Syscall[] {
  const files = readdirSync(folder).filter((name) => name.startsWith(prefix));
  const calls = files.flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n").flatMap(parseLine));
  return calls.sort((left, right) => left.startedAt - right.startedAt);
}

function parseLine(line: string): Syscall[] {
  const match = /^(\d+\.\d+) (\w+)\((.*)\)\s+= ([^-].*) <(\d+\.\d+)>$/.exec(line);
  if (match === null) return [];
  const [, started, name, args, result, duration] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const startedAt = Number(started);
  return [{ name, args, result, startedAt, endedAt: startedAt + Number(duration) }];
}

export interface DurabilityAudit {
  /** The folder whose files must be durable. */
  readonly root: string;
  /** Files whose loss costs nothing: they are made again from others. */
  readonly isDerived: (path: string) => boolean;
}

/**
 * What is not durable at moments that the log itself marks, by the rules of POSIX: bytes written to a file without O_DSYNC need a sync of it
 * that began after the write had ended; a created or renamed file needs a sync of its folder.
 */
export class DurabilityState {
  readonly #audit: DurabilityAudit;
  readonly #synchronous = new Set<string>();
  /** By path: when the last write that is not durable ended. */
  readonly #dirtyBytes = new Map<string, number>();
  /** By path: when it was last cut or grown by ftruncate, which O_DSYNC does not make durable; the next synchronous write does. */
  readonly #dirtySizes = new Map<string, number>();
  /** By path: when the name appeared. */
  readonly #dirtyNames = new Map<string, number>();

  constructor(audit: DurabilityAudit) {
    this.#audit = audit;
  }

  /** Sentences, one for each thing that a power cut now could take. */
  notDurable(): string[] {
    const kinds = { "bytes of": this.#dirtyBytes, "the size of": this.#dirtySizes, "the name": this.#dirtyNames };
    return Object.entries(kinds).flatMap(([kind, dirty]) => {
      const paths = [...dirty.keys()].filter((path) => !this.#audit.isDerived(path));
      return paths.map((path) => `${kind} ${path}`);
    });
  }

  /** Calls must come in the order of their end. */
  take(call: Syscall): void {
    switch (call.name) {
      case "openat":
        return this.#open(call);
      case "mkdir":
        return this.#name(quoted(call.args)[0], call);
      case "rename":
      case "renameat":
      case "renameat2":
        return this.#rename(call);
      case "unlink":
        return this.#forget(quoted(call.args)[0]);
      case "write":
      case "writev":
      case "pwrite64":
      case "pwritev":
        return this.#write(call);
      case "ftruncate":
        return this.#resize(call);
      case "fdatasync":
      case "fsync":
        return this.#sync(call);
    }
  }

  #open(call: Syscall): void {
    const handle = handleIn(call.result);
    if (handle === null || !this.#isOurs(handle.path)) return;
    const flags = call.args;
    if (/O_D?SYNC/.test(flags)) this.#synchronous.add(handle.text);
    else this.#synchronous.delete(handle.text);
    // With O_EXCL it is new; without, it may have been there, and its folder is none the dirtier for it.
    if (flags.includes("O_CREAT") && flags.includes("O_EXCL")) this.#name(handle.path, call);
  }

  #name(path: string | undefined, call: Syscall): void {
    if (path !== undefined && this.#isOurs(path)) this.#dirtyNames.set(path, call.endedAt);
  }

  #rename(call: Syscall): void {
    const [from, to] = quoted(call.args);
    if (from === undefined || to === undefined || !this.#isOurs(to)) return;
    this.#dirtyNames.delete(from);
    this.#dirtyNames.set(to, call.endedAt);
    // What is not durable of the file goes with it to its new name.
    for (const dirty of [this.#dirtyBytes, this.#dirtySizes]) {
      const since = dirty.get(from);
      dirty.delete(from);
      dirty.delete(to);
      if (since !== undefined) dirty.set(to, since);
    }
    // strace tells a descriptor by the name that the file has now.
    for (const text of this.#synchronous) {
      if (text.endsWith(`<${from}>`)) this.#synchronous.add(text.replace(`<${from}>`, `<${to}>`));
    }
  }

  #forget(path: string | undefined): void {
    if (path === undefined) return;
    this.#dirtyBytes.delete(path);
    this.#dirtySizes.delete(path);
    this.#dirtyNames.delete(path);
  }

  #write(call: Syscall): void {
    const handle = handleIn(call.args);
    if (handle === null || !this.#isOurs(handle.path)) return;
    if (this.#synchronous.has(handle.text)) clean(this.#dirtySizes, { path: handle.path, by: call });
    else this.#dirtyBytes.set(handle.path, call.endedAt);
  }

  #resize(call: Syscall): void {
    const handle = handleIn(call.args);
    if (handle !== null && this.#isOurs(handle.path)) this.#dirtySizes.set(handle.path, call.endedAt);
  }

  #sync(call: Syscall): void {
    const handle = handleIn(call.args);
    if (handle === null) return;
    clean(this.#dirtyBytes, { path: handle.path, by: call });
    clean(this.#dirtySizes, { path: handle.path, by: call });
    for (const [path, since] of this.#dirtyNames) {
      const isInFolder = path.slice(0, path.lastIndexOf("/")) === handle.path;
      if (isInFolder && since <= call.startedAt) this.#dirtyNames.delete(path);
    }
  }

  #isOurs(path: string): boolean {
    return path.startsWith(`${this.#audit.root}/`) && !path.endsWith("(deleted)");
  }
}

/** What was not durable when a call began that `isAcknowledgement`; one entry for each such call, in order. */
export function auditAcknowledgements(
  calls: readonly Syscall[],
  options: DurabilityAudit & { readonly isAcknowledgement: (call: Syscall) => boolean },
): string[][] {
  const state = new DurabilityState(options);
  const byEnd = [...calls].sort((left, right) => left.endedAt - right.endedAt);
  let next = 0;
  return calls.filter(options.isAcknowledgement).map((acknowledgement) => {
    for (; (byEnd[next]?.endedAt ?? Infinity) <= acknowledgement.startedAt; next += 1)
      state.take(byEnd[next] as Syscall);
    return state.notDurable();
  });
}

/** A call makes durable what had ended when it began. */
function clean(dirty: Map<string, number>, { path, by }: { path: string; by: Syscall }): void {
  if ((dirty.get(path) ?? Infinity) <= by.startedAt) dirty.delete(path);
}

/** The first descriptor with its path in "23</tmp/a/b>, ..." or "AT_FDCWD</tmp>, ... = 23</tmp/a>". */
function handleIn(text: string): { readonly text: string; readonly path: string } | null {
  const match = /^(\d+)<(\/[^>]*)>/.exec(text);
  return match === null ? null : { text: match[0], path: match[2] as string };
}

function quoted(args: string): string[] {
  return [...args.matchAll(/"([^"]*)"/g)].map((match) => match[1] as string);
}
