import { ClusterFailure, DiskError, reasonCodes, type FailureKind, type ReasonCode } from "@kakera/kernel";
import type { FailureInput, FailureMessage } from "@kakera/protocol";

const kinds: readonly FailureKind[] = ["retry", "full", "repair", "halt"];
const messageCharactersMax = 1000;

/** null: neither kind of failure that travels, so a bug. */
export function encodeFailure(failure: unknown): FailureInput | null {
  if (failure instanceof DiskError) {
    return {
      kind: "disk",
      message: failure.message.slice(0, messageCharactersMax),
      diskCode: failure.code,
      diskPath: failure.path,
    };
  }
  if (!(failure instanceof ClusterFailure)) return null;
  const { kind, reason, message } = failure;
  return { kind, reason: reason ?? "", message: message.slice(0, messageCharactersMax) };
}

/** The failure as it would have been met on the other node; `place` names that node, for people. */
export function decodeFailure(sent: FailureMessage, place: string): ClusterFailure | DiskError {
  if (sent.kind === "disk") {
    const cause = new Error(`${place}: ${sent.message}`);
    return new DiskError(sent.diskCode, sent.diskPath, "remote call", cause);
  }
  // A newer node may know kinds that this one does not: trying elsewhere is never wrong.
  const kind = kinds.find((known) => known === sent.kind) ?? "retry";
  const reason = readReason(sent.reason);
  return new ClusterFailure(kind, `${place}: ${sent.message}`, reason === null ? {} : { reason });
}

/** null for none, and for one that only newer nodes know. */
export function readReason(sent: string): ReasonCode | null {
  return reasonCodes.find((known) => known === sent) ?? null;
}
