import { newId, setPatientTimer, type Clock, type Logger, type Random, type SessionId } from "@kakera/kernel";
import type { WorkReport, OtherWork, ProcessMarks } from "./process-marks.ts";
import { LogService, type CommitLog } from "@kakera/metadata";
import type { MetricRecord } from "../drivers/prom-meter.ts";
import type { SiblingProcess } from "../drivers/sibling-process.ts";
import { ControlLink } from "./control-link.ts";
import type { Beginning, Drain, Pulse, Reload } from "./told.ts";

export interface SiblingParts {
  readonly process: SiblingProcess;
  readonly marks: ProcessMarks;
  readonly log: CommitLog;
  readonly isViewWhole: () => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onBug: (failure: unknown) => void;
  /** All but its numbers. */
  readonly pulse: () => Omit<Pulse, "numbers">;
}

/** A process of node starts in a fraction of it. */
const beginMsMax = 60_000;
const pulseIntervalMs = 500;
/** One that does not answer for so long stands still, or hangs. */
const silentMsMax = 10_000;
const endMsMax = 5_000;
const measureMsMax = 2_000;

/** One life of another process of this server, as the owner sees it. */
export class Sibling {
  readonly index: number;
  readonly markSession: SessionId;
  readonly link: ControlLink;
  /** Resolves when it is no more. */
  readonly ended: Promise<void>;
  readonly #parts: SiblingParts;
  readonly #work: OtherWork;
  readonly #numbers;
  readonly #service: LogService;
  #measured: readonly MetricRecord[] = [];
  #isServing = false;
  #isOver = false;
  /** Since when an answer is out; null: none is. */
  #askedMs: number | null = null;

  constructor(index: number, parts: SiblingParts) {
    this.index = index;
    this.#parts = parts;
    this.markSession = newId("session", parts.random);
    const { work, numbers } = parts.marks.admit();
    this.#work = work;
    this.#numbers = numbers;
    const { channel } = parts.process;
    this.link = new ControlLink(channel.control, parts.clock);
    this.#service = new LogService({ ...parts, channel: channel.log });
    this.ended = parts.process.ended.then((why) => this.#over(why));
  }

  get isServing(): boolean {
    return this.#isServing;
  }

  /** How long it has owed an answer. */
  get silentMs(): number {
    return this.#askedMs === null ? 0 : this.#parts.clock.monotonicMs() - this.#askedMs;
  }

  /** What it measured when it was asked last. */
  get measured(): readonly MetricRecord[] {
    return this.#measured;
  }

  async measure(): Promise<readonly MetricRecord[]> {
    if (this.#isServing)
      this.#measured = await this.link.ask<MetricRecord[]>("measured", null, measureMsMax).catch(() => this.#measured);
    return this.#measured;
  }

  /** Has it serve, and hears of its work from then on. Ends it when it does not come up. */
  async begin(beginning: Omit<Beginning, "index" | "markSession" | "numbers" | "pulse">): Promise<void> {
    const { index, markSession } = this;
    const pulse: Pulse = { ...this.#parts.pulse(), numbers: null };
    const whole: Beginning = { ...beginning, index, markSession, numbers: this.#numbers, pulse };
    const begun = await this.link.ask("begin", whole, beginMsMax).then(
      () => true,
      () => false,
    );
    if (this.#isOver) return;
    if (!begun) return this.giveUp("it does not begin");
    this.#isServing = true;
    this.#parts.logger.log("info", "process.serving", { process: index, pid: this.#parts.process.pid });
    this.#pulseLater();
  }

  /** Ends it now, and takes nothing more from it. What it is at counts until it has ended. */
  giveUp(why: string): void {
    if (this.#isOver) return;
    this.#parts.logger.log("error", "process.given-up", { process: this.index, pid: this.#parts.process.pid, why });
    this.#isServing = false;
    this.#service.end();
    this.#parts.process.kill();
  }

  tellReload(reload: Reload): void {
    this.link.tell("reload", reload);
  }

  /** Lets its requests finish, then ends it; how many were cut off. */
  async drain({ timeoutMs }: Drain): Promise<number> {
    const cutOff = this.#isServing
      ? await this.link.ask<number>("drain", { timeoutMs }, timeoutMs + endMsMax).catch(() => 0)
      : 0;
    // Whoever finds its channel closed ends.
    this.#parts.process.channel.close();
    const timer = this.#parts.clock.setTimer(endMsMax, () => this.#parts.process.kill());
    await this.ended;
    timer.cancel();
    return cutOff;
  }

  #pulseLater(): void {
    this.#parts.clock.setTimer(pulseIntervalMs, () => {
      if (!this.#isOver) void this.#pulse();
    });
  }

  async #pulse(): Promise<void> {
    const { clock, marks } = this.#parts;
    const pulse: Pulse = { ...this.#parts.pulse(), numbers: marks.takeNumbers() };
    this.#askedMs = clock.monotonicMs();
    const timer = setPatientTimer(clock, silentMsMax, () => this.giveUp("it does not answer"));
    try {
      this.#work.report(await this.link.ask<WorkReport>("pulse", pulse, silentMsMax * 2));
      this.#askedMs = null;
      this.#pulseLater();
    } catch {
      this.giveUp("it does not say what it is at");
    } finally {
      timer.cancel();
    }
  }

  /** The system says that it is no more. */
  #over(why: string): void {
    this.#isOver = true;
    this.#isServing = false;
    this.#service.end();
    this.#work.readsNoMore();
    this.#parts.logger.log("info", "process.ended", { process: this.index, pid: this.#parts.process.pid, why });
    void this.#service.settled().then((how) => {
      if (how === "decided") this.#work.writesNoMore();
    });
  }
}
