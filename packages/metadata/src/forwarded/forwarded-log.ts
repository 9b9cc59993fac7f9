import { ClusterFailure, type Clock, type SessionId } from "@kakera/kernel";
import { checkForm } from "../evaluate-change.ts";
import type { Change, CommitLog, CommitResult, LogStatus } from "../ports/commit-log.ts";
import type { MessageChannel } from "../ports/message-channel.ts";
import type { View } from "../ports/view.ts";
import { UnknownOutcome } from "../unknown-outcome.ts";
import { decodeLogAnswer, type LogOutcome } from "./answer-message.ts";
import { encodeLogCall } from "./change-message.ts";

/** What its owner says of the log from time to time. */
export interface ToldOfLog {
  readonly session: SessionId;
  readonly status: LogStatus;
}

export interface ForwardedLogParts {
  readonly channel: MessageChannel;
  readonly clock: Clock;
  /** The view that the log's owner writes, and how to see the newest of it. */
  readonly view: View;
  readonly refreshView: () => void;
  readonly operationsPerChangeMax: number;
  /** The last that the owner said. */
  readonly told: () => ToldOfLog;
}

export interface ForwardingSettings {
  /** Changes and barriers that are not answered yet; more are refused. */
  readonly callsMax: number;
  /** Bytes of changes that are not answered yet; more are refused. */
  readonly bytesMax: number;
}

export const forwardingSettingsDefault: ForwardingSettings = { callsMax: 10_000, bytesMax: 64 * 2 ** 20 };

interface Waiting {
  readonly sentBytes: number;
  readonly settle: (outcome: LogOutcome) => void;
  /** What it is told when nobody answers any more. */
  readonly lost: () => ClusterFailure;
}

/**
 * The log of another process of this server: it owns journal or session, and is the only one that writes the view. Changes and barriers
 * are sent to it as they come, answered as they are decided. When it is gone, changes that it was sent may or may not have happened.
 */
export class ForwardedLog implements CommitLog {
  readonly #parts: ForwardedLogParts;
  readonly #settings: ForwardingSettings;
  readonly #waiting = new Map<number, Waiting>();
  #waitingBytes = 0;
  #lastNumber = 0;
  /** A barrier that is not sent yet: all of this turn pass it together. */
  #barrier: Promise<void> | null = null;
  #isClosed = false;

  constructor(parts: ForwardedLogParts, settings: Partial<ForwardingSettings> = {}) {
    this.#parts = parts;
    this.#settings = { ...forwardingSettingsDefault, ...settings };
    parts.channel.onMessage((message) => this.#answered(message));
    parts.channel.onClosed(() => this.#end());
  }

  get session(): SessionId {
    return this.#parts.told().session;
  }

  get view(): View {
    return this.#parts.view;
  }

  get operationsPerChangeMax(): number {
    return this.#parts.operationsPerChangeMax;
  }

  async commit(change: Change): Promise<CommitResult> {
    checkForm(change);
    const call = encodeLogCall(this.#takeNumber(), { session: this.session, change });
    const { bytesMax } = this.#settings;
    if (this.#waitingBytes + call.byteLength > bytesMax && this.#waiting.size > 0)
      throw new ClusterFailure("retry", "too many changes wait for the log's process");
    const result = await this.#send(call, () => new UnknownOutcome("the log's process is gone", { fate: "open" }));
    if (result === null)
      throw new UnknownOutcome("the log's process did not say what became of a change", { fate: "open" });
    return result;
  }

  barrier(): Promise<void> {
    return (this.#barrier ??= this.#passAtTurnEnd());
  }

  status(): LogStatus {
    const { status } = this.#parts.told();
    return this.#isClosed ? { ...status, canWrite: false, canRead: "no" } : status;
  }

  async close(): Promise<void> {
    this.#end();
  }

  /** A barrier covers what was acknowledged before it was sent; so whoever asks before that may share it. */
  async #passAtTurnEnd(): Promise<void> {
    await new Promise<void>((resolve) => this.#parts.clock.atTurnEnd(resolve));
    this.#barrier = null;
    await this.#send(encodeLogCall(this.#takeNumber(), null), closedFailure);
  }

  #takeNumber(): number {
    if (this.#isClosed) throw closedFailure();
    if (this.#waiting.size >= this.#settings.callsMax)
      throw new ClusterFailure("retry", "too many calls wait for the log's process");
    return ++this.#lastNumber;
  }

  #send(call: Uint8Array, lost: Waiting["lost"]): Promise<CommitResult | null> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: LogOutcome): void => {
        if ("failure" in outcome) reject(outcome.failure);
        else resolve(outcome.result);
      };
      this.#waiting.set(this.#lastNumber, { sentBytes: call.byteLength, settle, lost });
      this.#waitingBytes += call.byteLength;
      this.#parts.channel.send(call);
    });
  }

  #answered(message: Buffer): void {
    const { number, outcome } = decodeLogAnswer(message);
    const waiting = this.#waiting.get(number);
    if (waiting === undefined) return;
    this.#waiting.delete(number);
    this.#waitingBytes -= waiting.sentBytes;
    // What the answer rests on is in the view by now: also what refused a change, which is planned anew from there.
    this.#parts.refreshView();
    waiting.settle(outcome);
  }

  #end(): void {
    this.#isClosed = true;
    for (const { settle, lost } of this.#waiting.values()) settle({ failure: lost() });
    this.#waiting.clear();
    this.#waitingBytes = 0;
  }
}

function closedFailure(): ClusterFailure {
  return new ClusterFailure("retry", "the log's process is gone", { reason: "LOG_UNREACHABLE" });
}
