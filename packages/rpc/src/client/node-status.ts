import type { Clock, DriveId, Logger, Timer } from "@kakera/kernel";
import { ClusterFailure } from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import type { ClientMetrics } from "../metrics.ts";
import type { DriveStatus } from "../shard-drive.ts";
import { decodeStatus } from "../wire/shard-messages.ts";
import type { NodeCaller } from "./node-caller.ts";

export interface NodeStatusParts {
  readonly caller: () => NodeCaller;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ClientMetrics;
  /** The node as a URL. */
  readonly place: string;
  readonly intervalMs: number;
  readonly deadlineMs: number;
  /** After each poll. */
  readonly onPolled: () => void;
}

/** Failed calls ask for the status again no sooner than so long after it was last told. */
const repollMsMin = 250;

/** What a node last said of its drives, and whether it still answers. */
export class NodeStatus {
  readonly #parts: NodeStatusParts;
  #drives = new Map<DriveId, DriveStatus>();
  #isUp = false;
  /** null: it is up, or never was. */
  #awaySinceMs: number | null = null;
  /** Why it is not up: it does not answer, or refuses this machine's clock. */
  #reason: "NODE_DOWN" | "CLOCK_SKEW" = "NODE_DOWN";
  #polling: Promise<void> | null = null;
  #polledAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(parts: NodeStatusParts) {
    this.#parts = parts;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  of(driveId: DriveId): DriveStatus {
    const { place } = this.#parts;
    const none = { freeBytes: 0, totalBytes: 0, shardCount: 0, garbageBytes: 0 };
    const last = this.#drives.get(driveId) ?? {
      driveId,
      place,
      ...none,
      condition: "offline",
      reason: "DRIVE_OFFLINE",
    };
    if (this.#isUp) return last;
    const away = this.#awaySinceMs === null ? {} : { awaySinceMs: this.#awaySinceMs };
    return { ...last, condition: "offline", reason: this.#reason, ...away };
  }

  /** Asks now, and from then on time and again. Never rejects. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = null;
      this.#polledAtMs = this.#parts.clock.monotonicMs();
      this.#schedule();
      this.#parts.onPolled();
    });
    return this.#polling;
  }

  /** A call failed: what is known may be out of date. */
  doubt(): void {
    if (this.#isStopped || this.#polling !== null) return;
    if (this.#parts.clock.monotonicMs() - this.#polledAtMs >= repollMsMin) void this.poll();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#parts.metrics.forget();
  }

  async #poll(): Promise<void> {
    const { caller, deadlineMs, place, logger } = this.#parts;
    this.#timer?.cancel();
    try {
      const header = calls.StatusCall.encode({}).finish();
      const answer = await caller().call({ name: "status", header, deadlineMs, isRepeatable: true });
      const statuses = calls.StatusAnswer.decode(answer.header).drives.map((sent) => decodeStatus(sent));
      this.#drives = new Map(statuses.map((status) => [status.driveId, { ...status, place: place + status.place }]));
      this.#setUp(true);
    } catch (failure) {
      if (!(failure instanceof ClusterFailure)) throw failure;
      if (this.#isUp) logger.log("warn", "node.down", { node: place, reason: failure.reason, cause: failure });
      this.#reason = failure.reason === "CLOCK_SKEW" ? "CLOCK_SKEW" : "NODE_DOWN";
      this.#setUp(false);
    }
  }

  #setUp(isUp: boolean): void {
    if (isUp) this.#awaySinceMs = null;
    else if (this.#isUp) this.#awaySinceMs = this.#parts.clock.monotonicMs();
    this.#isUp = isUp;
    if (!this.#isStopped) this.#parts.metrics.setUp(isUp);
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = this.#parts.clock.setTimer(this.#parts.intervalMs, () => void this.poll());
  }
}
