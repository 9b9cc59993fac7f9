import type { SessionId } from "@kakera/kernel";
import type { BodyPlaceInput, RepairRecordInput } from "@kakera/protocol";
import type { BodyRef, Owner } from "../references/body-ref.ts";

/** Writes a body anew into the pool that takes new bodies, in chunks of its own, every byte verified on the way. */
export interface BodyCopier {
  /** Durable when it resolves. Rejects with ClusterFailure (`retry`, `full`, `repair`), and then has left nothing behind. */
  copy(original: BodyRef, owner: Owner, signal: AbortSignal): Promise<CopiedBody>;
}

/** Exactly one of `settle` and `discard` ends it, and neither while the outcome of its commit is unknown. */
export interface CopiedBody {
  readonly place: BodyPlaceInput;
  /** What it lacks; null: it is whole. */
  readonly repair: RepairRecordInput | null;
  /** The record must be committed under it (correctness.md F27 R2). */
  readonly session: SessionId;
  /** Its record is committed. */
  settle(): void;
  /** It certainly has no record. Never rejects. */
  discard(): Promise<void>;
}
