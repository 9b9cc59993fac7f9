import { ClusterFailure } from "@kakera/kernel";
import type { CommitLog, CommitResult } from "../ports/commit-log.ts";
import type { MessageChannel } from "../ports/message-channel.ts";
import { UnknownOutcome } from "../unknown-outcome.ts";
import { encodeLogAnswer, type LogOutcome } from "./answer-message.ts";
import { decodeLogCall, type ForwardedChange } from "./change-message.ts";
import { forwardingSettingsDefault, type ForwardingSettings } from "./forwarded-log.ts";

export interface LogServiceParts {
  readonly channel: MessageChannel;
  readonly log: CommitLog;
  /** Whether the view holds all that may be shown: others than the log's owner see the file and nothing else. */
  readonly isViewWhole: () => boolean;
  /** A broken assumption of the log: the process ends. */
  readonly onBug: (failure: unknown) => void;
}

/** Serves this process' log to another one. */
export class LogService {
  readonly #parts: LogServiceParts;
  readonly #settings: ForwardingSettings;
  #undecidedCount = 0;
  #hasUnknown = false;
  #isEnded = false;
  #decided: (() => void)[] = [];

  constructor(parts: LogServiceParts, settings: Partial<ForwardingSettings> = {}) {
    this.#parts = parts;
    this.#settings = { ...forwardingSettingsDefault, ...settings };
    parts.channel.onMessage((message) => {
      if (!this.#isEnded) this.#receive(message);
    });
    parts.channel.onClosed(() => this.end());
  }

  /** Takes nothing any more: what the other process says from now on has certainly not happened. */
  end(): void {
    this.#isEnded = true;
  }

  /**
   * After `end`: resolves when everything that was taken is decided. "unknown": of some change nobody can say what became of it, and
   * nobody ever will while this session lives: a record may name its chunks.
   */
  async settled(): Promise<"decided" | "unknown"> {
    if (this.#undecidedCount > 0) await new Promise<void>((resolve) => this.#decided.push(resolve));
    return this.#hasUnknown ? "unknown" : "decided";
  }

  #receive(message: Buffer): void {
    const { number, forwarded } = decodeLogCall(message);
    this.#undecidedCount++;
    const answered = forwarded === null ? this.#passBarrier() : this.#commit(forwarded);
    void answered.then((outcome) => {
      if (outcome !== null) this.#parts.channel.send(encodeLogAnswer(number, outcome));
      if (--this.#undecidedCount === 0) for (const resolve of this.#decided.splice(0)) resolve();
    });
  }

  async #passBarrier(): Promise<LogOutcome | null> {
    const outcome = await this.#outcomeOf(async () => {
      await this.#parts.log.barrier();
      return null;
    });
    if (outcome !== null && "result" in outcome && !this.#parts.isViewWhole())
      return { failure: new ClusterFailure("retry", "too few drives can be reached to answer from this process") };
    return outcome;
  }

  async #commit({ session, change }: ForwardedChange): Promise<LogOutcome | null> {
    const outcome = await this.#outcomeOf(() => {
      // Shards and change are of one session, or it has not happened (correctness.md F27 R2).
      if (session !== this.#parts.log.session)
        throw new ClusterFailure("retry", "the session has changed since the change was planned");
      if (this.#undecidedCount > this.#settings.callsMax)
        throw new ClusterFailure("retry", "too many calls wait for the log");
      return this.#parts.log.commit(change);
    });
    if (outcome === null || ("failure" in outcome && isUndecided(outcome.failure))) this.#hasUnknown = true;
    return outcome;
  }

  /** null: a bug, and the process ends. */
  async #outcomeOf(call: () => Promise<CommitResult | null>): Promise<LogOutcome | null> {
    try {
      return { result: await call() };
    } catch (failure) {
      if (failure instanceof ClusterFailure) return { failure };
      this.#parts.onBug(failure);
      return null;
    }
  }
}

/** A halt says nothing of what is in the log. */
function isUndecided(failure: ClusterFailure): boolean {
  if (failure instanceof UnknownOutcome) return failure.fate === "open";
  return failure.kind === "halt" || failure.kind === "repair";
}
