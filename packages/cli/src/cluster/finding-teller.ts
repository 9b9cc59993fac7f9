import { ClusterFailure, parseId, SECOND_MS, type Clock } from "@kakera/kernel";
import type { RepairQueue, ShardFinding } from "@kakera/rpc";
import type { Peer } from "./peer.ts";

/** The findings of others, for who leads; `{ findings: ShardFinding[] }`. */
export const findingsReport = "findings";

/** Between two messages: a damaged object that is read a thousand times a second is one finding. */
const tellMs = SECOND_MS;
const toldMsMax = 5 * SECOND_MS;
/** That wait for a message, and fit into one (two hundred bytes each). What finds no room is found by the next reader, or by the scrub. */
const waitingMax = 1_000;

/**
 * What readers of this node found wrong, for the node that leads: only that one repairs. Who it is is not known here, so all are told. Never waits,
 * and nothing is told twice: of what no leader took, the next reader tells again.
 */
export class FindingTeller implements RepairQueue {
  readonly #clock: Clock;
  readonly #peers: () => readonly Peer[];
  readonly #waiting = new Map<string, ShardFinding>();

  constructor(parts: { readonly clock: Clock; readonly peers: () => readonly Peer[] }) {
    this.#clock = parts.clock;
    this.#peers = parts.peers;
  }

  report(finding: ShardFinding): void {
    const { driveId, why } = finding;
    const { group, dataId, chunkIndex, shardIndex } = finding.ref;
    if (this.#waiting.size >= waitingMax) return;
    const told = { ref: { group, dataId, chunkIndex, shardIndex }, driveId, why };
    this.#waiting.set(`${dataId}/${chunkIndex}/${shardIndex}/${driveId}/${why}`, told);
    if (this.#waiting.size === 1) this.#clock.setTimer(tellMs, () => this.#tell());
  }

  #tell(): void {
    const findings = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const peer of this.#peers())
      peer.report(findingsReport, { findings }, toldMsMax).catch((failure: unknown) => {
        if (!(failure instanceof ClusterFailure)) throw failure;
      });
  }
}

/** What of it is a finding; a node of another version may tell more. */
export function findingsIn(told: unknown): ShardFinding[] {
  const findings = (told as { findings?: unknown } | null)?.findings;
  return Array.isArray(findings) ? findings.filter(isFinding) : [];
}

function isFinding(told: unknown): told is ShardFinding {
  const { ref, driveId, why } = (told ?? {}) as Partial<ShardFinding>;
  if (ref === undefined || ref === null || (why !== "damaged" && why !== "missing")) return false;
  const numbers = [ref.chunkIndex, ref.shardIndex, ref.group];
  const isNamed = isId("data", ref.dataId) && isId("drive", driveId);
  return isNamed && numbers.every((number) => Number.isSafeInteger(number));
}

function isId(kind: "data" | "drive", told: unknown): boolean {
  return typeof told === "string" && parseId(kind, told) !== null;
}
