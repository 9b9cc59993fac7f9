import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { calledAt } from "../network.ts";
import { until } from "../server.ts";
import { memberArgs, type MemberSeat, type MemberSettings } from "./member-args.ts";

/** Only a start that hangs takes so long, however busy the machine is. */
const readyMsMax = 180_000;
const outputCharsMax = 100_000;
const lastLinesCount = 20;

export interface MemberParts {
  /** The program `etcd`. */
  readonly program: string;
  readonly seat: MemberSeat;
  readonly settings: MemberSettings;
  /** Whether the member at this endpoint serves; may throw for no. */
  readonly isServing: (endpoint: string) => Promise<boolean>;
}

/** One etcd process at a time, always with the same ports and data. */
export class EtcdMember {
  readonly #parts: MemberParts;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #isPaused = false;
  #output = "";

  constructor(parts: MemberParts) {
    this.#parts = parts;
  }

  get endpoint(): string {
    return this.#parts.seat.clientUrl;
  }

  get seat(): MemberSeat {
    return this.#parts.seat;
  }

  /** Of the process that runs or ran last. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`etcd ${this.seat.name} was never started`);
    return this.#child.pid;
  }

  get state(): "running" | "paused" | "ended" {
    const hasEnded = this.#child === null || this.#child.exitCode !== null || this.#child.signalCode !== null;
    if (hasEnded) return "ended";
    return this.#isPaused ? "paused" : "running";
  }

  /** What it printed last, some hundred lines. */
  output(): string {
    return this.#output;
  }

  /**
   * Starts it and resolves when it serves, for which a majority has to run: several that are down are started together, by
   * Promise.all. Rejects with its last lines when it ends before that.
   */
  async start(): Promise<void> {
    if (this.state !== "ended") throw new Error(`etcd ${this.seat.name} runs already`);
    const { program, seat, settings } = this.#parts;
    const called = calledAt(seat.place, program, memberArgs(seat, settings));
    const child = spawn(called.program, called.args, {
      stdio: ["ignore", "pipe", "pipe"],
      // Variables named ETCD_* would change its settings.
      env: { PATH: process.env["PATH"] ?? "" },
    });
    this.#child = child;
    this.#isPaused = false;
    const collect = (bytes: Buffer): void => {
      this.#output = (this.#output + bytes.toString()).slice(-outputCharsMax);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    // "close" comes when its last words were read too. A program that could not be started emits an error first.
    this.#ended = new Promise((resolve) => {
      child.once("error", (error) => {
        collect(Buffer.from(String(error)));
        resolve();
      });
      child.once("close", () => resolve());
    });
    await this.#untilServing(child);
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.state !== "ended") this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /** SIGSTOP; resolves when the process stands still: its connections stay open, and nothing answers. */
  async stop(): Promise<void> {
    this.#signal("SIGSTOP");
    this.#isPaused = true;
    await until(`etcd ${this.seat.name} stands still`, () => this.#isStandingStill());
  }

  /** SIGCONT; resolves when it runs again, which is before it has caught up. */
  async go(): Promise<void> {
    this.#signal("SIGCONT");
    this.#isPaused = false;
    await until(`etcd ${this.seat.name} goes on`, () => !this.#isStandingStill());
  }

  #signal(signal: "SIGSTOP" | "SIGCONT"): void {
    if (this.state === "ended") throw new Error(`etcd ${this.seat.name} does not run`);
    this.#child?.kill(signal);
  }

  /** A signal is under way for a moment; the kernel says when it has arrived. */
  #isStandingStill(): boolean {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
  }

  async #untilServing(child: ChildProcess): Promise<void> {
    const { isServing, seat } = this.#parts;
    const what = `etcd ${seat.name} serves`;
    const mayGoOn = (): boolean => this.#child === child && this.state !== "ended" && child.pid !== undefined;
    const asked = (): Promise<boolean> => isServing(seat.clientUrl).catch(() => false);
    // Somebody else may listen on its port, and never answer.
    const ended = this.#ended.then(() => false);
    try {
      await until(what, async () => !mayGoOn() || (await Promise.race([asked(), ended])), readyMsMax);
    } catch (error) {
      throw new Error(`${what}: not within ${readyMsMax} ms:\n${this.#lastLines()}`, { cause: error });
    }
    if (mayGoOn()) return;
    await this.#ended;
    const end = child.exitCode ?? child.signalCode ?? "it could not be started";
    throw new Error(`etcd ${seat.name} ended (${end}) before it served:\n${this.#lastLines()}`);
  }

  #lastLines(): string {
    return this.#output.trimEnd().split("\n").slice(-lastLinesCount).join("\n");
  }
}
