import { ClusterFailure, SECOND_MS, sleep, type Clock } from "@kakera/kernel";
import type { Peer } from "../cluster/peer.ts";
import type { TraceFilter } from "./trace-filter.ts";
import type { TraceBatch, TracedRequest, TraceHub } from "./trace-hub.ts";

export interface ClusterTraceParts {
  readonly hub: TraceHub;
  readonly clock: Clock;
  /** Of this node, for people. */
  readonly host: string;
  /** The other nodes, now. */
  readonly peers: () => readonly Peer[];
}

/** A batch of the whole cluster. */
export interface ClusterTraceBatch extends TraceBatch {
  /** Hosts whose requests are not seen now: they do not answer, or their program is older. */
  readonly unheard: readonly string[];
}

/** How the nodes tell each other. */
export const traceReports = { open: "trace-open", next: "trace-next", end: "trace-end" } as const;

const callMsMax = 5 * SECOND_MS;
/** With the time for which a node waits for its first request. */
const nextMsMax = 2 * callMsMax;
/** New nodes, and nodes that did not answer, are looked at so often. */
const lookMs = 2 * SECOND_MS;

/** One who watches: which nodes are followed for him, and which were not heard. */
interface Watch {
  readonly ended: AbortController;
  readonly followed: Set<string>;
  /** By node id: its host. */
  readonly unheard: Map<string, string>;
}

/** Requests of all nodes for those who ask this one. Each node looks at the filter itself; what matches comes here, while somebody watches. */
export class ClusterTrace {
  readonly #parts: ClusterTraceParts;
  readonly #watches = new Map<string, Watch>();

  constructor(parts: ClusterTraceParts) {
    this.#parts = parts;
  }

  /** As TraceHub's. */
  open(filter: TraceFilter): string {
    const watch: Watch = { ended: new AbortController(), followed: new Set(), unheard: new Map() };
    const id = this.#parts.hub.open(filter, () => {
      watch.ended.abort();
      this.#watches.delete(id);
    });
    this.#watches.set(id, watch);
    void this.#followAll(id, watch, filter);
    return id;
  }

  /** As TraceHub's. */
  async next(id: string, waitedMs: number): Promise<ClusterTraceBatch | null> {
    const { hub, host, peers } = this.#parts;
    const unheard = this.#watches.get(id)?.unheard;
    const batch = await hub.next(id, waitedMs);
    if (batch === null) return null;
    const isAlone = peers().length === 0;
    const requests = isAlone ? batch.requests : batch.requests.map((request) => ({ node: host, ...request }));
    return { ...batch, requests, unheard: [...(unheard?.values() ?? [])].sort() };
  }

  close(id: string): void {
    this.#parts.hub.close(id);
  }

  async #followAll(id: string, watch: Watch, filter: TraceFilter): Promise<void> {
    const { clock, peers } = this.#parts;
    const { signal } = watch.ended;
    while (!signal.aborted) {
      const others = peers();
      const living = new Set(others.map(({ nodeId }) => nodeId));
      for (const nodeId of watch.unheard.keys()) if (!living.has(nodeId)) watch.unheard.delete(nodeId);
      for (const peer of others) {
        if (watch.followed.has(peer.nodeId)) continue;
        watch.followed.add(peer.nodeId);
        void this.#follow(id, watch, { peer, filter });
      }
      await sleep(clock, lookMs, signal).catch(() => undefined);
    }
  }

  /** Until nobody watches any more, or the node is not heard; it is followed anew at the next look then. */
  async #follow(id: string, watch: Watch, of: { readonly peer: Peer; readonly filter: TraceFilter }): Promise<void> {
    const { peer, filter } = of;
    let theirs: string | null = null;
    try {
      theirs = idIn(await peer.report(traceReports.open, filter, callMsMax));
      watch.unheard.delete(peer.nodeId);
      while (!watch.ended.signal.aborted) {
        const told = await peer.report(traceReports.next, { id: theirs }, nextMsMax);
        const { requests, droppedCount, state } = batchIn(told);
        const traced = requests.map((request) => ({ ...request, node: peer.host }));
        this.#parts.hub.noteFor(id, traced, droppedCount);
        if (state === "ending") break;
      }
    } catch (failure) {
      if (!(failure instanceof ClusterFailure)) throw failure;
      watch.unheard.set(peer.nodeId, peer.host);
    } finally {
      watch.followed.delete(peer.nodeId);
    }
    // It ends by itself where it is not heard.
    if (theirs !== null) await peer.report(traceReports.end, { id: theirs }, callMsMax).catch(() => undefined);
  }
}

function idIn(told: unknown): string {
  const id = (told as { id?: unknown } | null)?.id;
  if (typeof id === "string") return id;
  throw new ClusterFailure("retry", "a node opens traces in another way", { reason: "VERSION_SKEW" });
}

function batchIn(told: unknown): TraceBatch {
  const batch = told as Partial<TraceBatch> | null;
  if (batch === null) throw new ClusterFailure("retry", "a node has forgotten the trace");
  if (!Array.isArray(batch.requests)) {
    throw new ClusterFailure("retry", "a node tells of requests in another way", { reason: "VERSION_SKEW" });
  }
  const requests = batch.requests as TracedRequest[];
  return { requests, droppedCount: batch.droppedCount ?? 0, state: batch.state ?? "going on" };
}
