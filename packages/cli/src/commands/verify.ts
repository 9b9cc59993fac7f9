import { SECOND_MS } from "@kakera/kernel";
import { judgeAnswer } from "../client/judge-answer.ts";
import type { LiveFlags } from "../client/live-settings.ts";
import { CommandFailure, usageFailure } from "../command-failure.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { listObjects, type ListedKey } from "../verify/list-objects.ts";
import { verifyObject, type ObjectVerdict } from "../verify/verify-object.ts";
import { verifyObjects } from "../verify/verify-objects.ts";
import { newVerifyState, readVerifyState, type VerifyState } from "../verify/verify-state.ts";
import { withSignedClient, type Live } from "./live.ts";
import { renderFinding, renderProgress, renderVerified, type VerifyTotals } from "./render-verify.ts";

export interface VerifyFlags extends LiveFlags {
  readonly concurrency?: string;
  /** Where it is written how far it came. */
  readonly state?: string;
}

/** Where a verification keeps how far it came. */
export interface StateFiles {
  /** null: there is no such file. */
  read(path: string): string | null;
  /** Whole or not at all. */
  write(path: string, text: string): void;
}

const concurrencyDefault = 4;
const concurrencyMax = 64;
const saveMs = SECOND_MS;
const lookMs = SECOND_MS / 2;
const hintMs = 30 * SECOND_MS;

/**
 * `kakera verify BUCKET[/PREFIX] [--state FILE]`: every byte of every shard is read and checked on the drives. 0 = all is well; 1 = something is
 * not, and repair can mend it, or it was interrupted; 6 = fewer than k shards of a chunk.
 */
export function runVerify(
  address: string,
  flags: VerifyFlags,
  { terminal, files }: { readonly terminal: Terminal; readonly files: StateFiles },
): Promise<ExitCode> {
  const { bucket, prefix } = parseScope(address);
  const concurrency = parseConcurrency(flags.concurrency);
  return withSignedClient(flags, terminal, async (live) => {
    const from =
      flags.state === undefined
        ? newVerifyState(bucket, prefix)
        : readVerifyState(files.read(flags.state), { bucket, prefix });
    const interrupted = terminal.takeInterrupts();
    if (from.afterKey !== null && !live.settings.isQuiet) terminal.hint(`goes on after ${from.afterKey}`);
    const totals = await countTotals(live, { bucket, prefix });
    const save = (state: VerifyState): void => {
      if (flags.state !== undefined) files.write(flags.state, `${JSON.stringify(state)}\n`);
    };
    const teller = new ProgressTeller(live, { from, totals });
    let last = from;
    let savedMs = terminal.clock.monotonicMs();
    try {
      last = await verifyObjects(from, {
        objects: listObjects(live.client, { bucket, prefix, afterKey: from.afterKey }),
        verify: (key) => verifyObject({ ...live, clock: terminal.clock }, { bucket, key }),
        concurrency,
        interrupted,
        done(state, object, verdict) {
          last = state;
          tellFinding({ bucket, object, verdict }, live);
          teller.tell(state);
          if (terminal.clock.monotonicMs() - savedMs < saveMs) return;
          save(state);
          savedMs = terminal.clock.monotonicMs();
        },
      });
    } finally {
      teller.end();
      save(last);
    }
    return tellEnd(last, flags, live);
  });
}

function tellEnd(state: VerifyState, flags: VerifyFlags, { settings, terminal }: Live): ExitCode {
  const { kind: _kind, version: _version, ...figures } = state;
  if (settings.isJson) terminal.print(JSON.stringify({ kind: "verified", version: 1, ...figures }));
  else for (const line of renderVerified(state)) terminal.print(line);
  if (state.lostCount > 0) return exitCodes.dataLost;
  if (state.progress === "done") return state.attentionCount > 0 ? exitCodes.attention : exitCodes.done;
  throw new CommandFailure("INTERRUPTED", "not all objects were verified", {
    exitCode: exitCodes.attention,
    remedy: flags.state === undefined ? "--state FILE, to go on another time" : "the same command, which goes on",
  });
}

function tellFinding(
  found: { readonly bucket: string; readonly object: ListedKey; readonly verdict: ObjectVerdict },
  { settings, terminal }: Live,
): void {
  const { verdict, troubles } = found.verdict;
  if (verdict !== "attention" && verdict !== "lost") return;
  const { key, sizeBytes } = found.object;
  const finding = { bucket: found.bucket, key, sizeBytes, verdict, troubles };
  if (settings.isJson) terminal.print(JSON.stringify({ kind: "verify-finding", version: 1, ...finding }));
  else for (const line of renderFinding(finding)) terminal.print(line);
}

/** What there is to verify: a bucket's count is exact; keys that begin with a prefix are listed once to be counted. */
async function countTotals(
  live: Live,
  of: { readonly bucket: string; readonly prefix: string },
): Promise<VerifyTotals> {
  if (of.prefix === "") {
    const answer = judgeAnswer(await live.client.send("GET", "/kakera/admin/v1/buckets"));
    const { buckets } = JSON.parse(answer) as { buckets: { name: string; objectCount: number; sizeBytes: number }[] };
    const bucket = buckets.find(({ name }) => name === of.bucket);
    if (bucket !== undefined) return bucket;
  }
  let [objectCount, sizeBytes] = [0, 0];
  for await (const object of listObjects(live.client, { ...of, afterKey: null })) {
    objectCount++;
    sizeBytes += object.sizeBytes;
  }
  return { objectCount, sizeBytes };
}

/** A line that renews itself on a terminal, and one now and then elsewhere. */
class ProgressTeller {
  readonly #live: Live;
  readonly #of: { readonly from: VerifyState; readonly totals: VerifyTotals };
  readonly #startedMs: number;
  #toldMs: number;

  constructor(live: Live, of: { readonly from: VerifyState; readonly totals: VerifyTotals }) {
    this.#live = live;
    this.#of = of;
    this.#startedMs = this.#toldMs = live.terminal.clock.monotonicMs();
  }

  tell(state: VerifyState): void {
    const { terminal, settings } = this.#live;
    if (settings.isQuiet || settings.isJson) return;
    const nowMs = terminal.clock.monotonicMs();
    if (nowMs - this.#toldMs < (terminal.machine.isTerminal ? lookMs : hintMs)) return;
    this.#toldMs = nowMs;
    const line = renderProgress(state, { ...this.#of, elapsedMs: nowMs - this.#startedMs });
    if (terminal.machine.isTerminal) terminal.progress(line);
    else terminal.hint(line);
  }

  end(): void {
    this.#live.terminal.progress("");
  }
}

function parseScope(address: string): { readonly bucket: string; readonly prefix: string } {
  const match = /^(?:s3:\/\/)?([^/]+)(?:\/(.*))?$/s.exec(address);
  if (match === null) throw usageFailure(`"${address}" names no bucket`, "kakera verify BUCKET[/PREFIX]");
  return { bucket: match[1] as string, prefix: match[2] ?? "" };
}

function parseConcurrency(text: string | undefined): number {
  const count = text === undefined ? concurrencyDefault : Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= concurrencyMax) return count;
  throw usageFailure(`--concurrency ${text} is no number from 1 to ${concurrencyMax}`, "kakera verify --help");
}
