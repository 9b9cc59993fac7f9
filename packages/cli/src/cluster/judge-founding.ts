import type { Geometry } from "@kakera/kernel";
import type { NodeRecord } from "@kakera/metadata";
import { CommandFailure } from "../command-failure.ts";
import { chooseGeometry } from "../compose/choose-geometry.ts";
import type { GeometryWish } from "../config/parse-values.ts";

/** What a cluster that is not formed yet is waiting for, or is formed of. */
export type Founding =
  | { readonly kind: "wait"; readonly why: string }
  | {
      readonly kind: "found";
      readonly level: DomainLevel;
      readonly geometry: Geometry;
      readonly drives: readonly FoundingDrive[];
    };

/** Shards of a chunk are kept apart by host; on fewer than three hosts by drive. */
type DomainLevel = "host" | "drive";

interface FoundingDrive {
  readonly driveId: NodeRecord["drives"][number]["driveId"];
  readonly weightBytes: number;
  readonly domain: string;
  readonly host: string;
  readonly rack: string | null;
  readonly zone: string | null;
}

/** So many hosts are needed to keep shards apart by host (correctness.md F25). */
const hostsForLevel = 3;

/**
 * Whether the nodes that are there may form a cluster (contract: `--expect-domains`): as soon as the expected hosts are there; where
 * nobody said how many, when at least three are and none has come for the time to settle. Pure.
 */
export function judgeFounding(
  nodes: Iterable<NodeRecord>,
  of: {
    readonly expectDomains: number | null;
    readonly geometry: GeometryWish | null;
    /** Since the last change of the nodes or their drives. */
    readonly quietMs: number;
    readonly settleMs: number;
  },
): Founding {
  const drives = drivesOf(nodes);
  const hosts = new Set(drives.map(({ host }) => host)).size;
  if (of.expectDomains !== null && hosts < of.expectDomains)
    return { kind: "wait", why: `${hosts} of ${of.expectDomains} hosts with drives are there` };
  if (of.expectDomains === null && hosts < hostsForLevel)
    return {
      kind: "wait",
      why: `${hosts} hosts with drives are there: fewer than ${hostsForLevel} form a cluster only with --expect-domains ${Math.max(1, hosts)}`,
    };
  if (of.expectDomains === null && of.quietMs < of.settleMs)
    return { kind: "wait", why: `${hosts} hosts with drives are there, and more may come` };
  const level = hosts >= hostsForLevel ? "host" : "drive";
  const domains = level === "host" ? hosts : drives.length;
  const geometry = geometryFor(of.geometry, domains);
  if (typeof geometry === "string") return { kind: "wait", why: geometry };
  const founding = drives.map((drive) => ({ ...drive, domain: level === "host" ? drive.host : drive.driveId }));
  return { kind: "found", level, geometry, drives: founding };
}

/** Or why there is none: more may come. */
function geometryFor(wish: GeometryWish | null, domains: number): Geometry | string {
  try {
    return chooseGeometry(wish, domains, "failure domains");
  } catch (failure) {
    if (!(failure instanceof CommandFailure)) throw failure;
    return failure.message;
  }
}

/** By host, in the order in which each names them; a drive that two nodes name is neither's. */
function drivesOf(nodes: Iterable<NodeRecord>): Omit<FoundingDrive, "domain">[] {
  const sorted = [...nodes].sort((a, b) => (a.host + a.nodeId < b.host + b.nodeId ? -1 : 1));
  const all = sorted.flatMap(({ drives, host, rack, zone }) =>
    drives.map(({ driveId, sizeBytes }) => ({ driveId, weightBytes: Math.max(1, sizeBytes), host, rack, zone })),
  );
  return all.filter(({ driveId }) => all.filter((other) => other.driveId === driveId).length === 1);
}
