import { ClusterFailure, reasonCodes, type FailureKind } from "@kakera/kernel";
import { processes, type ForwardedFailure, type LogAnswerInput } from "@kakera/protocol";
import type { CommitResult } from "../ports/commit-log.ts";
import { UnknownOutcome } from "../unknown-outcome.ts";

const kinds: readonly FailureKind[] = ["retry", "full", "repair", "halt"];
/** Of an outcome that nobody knows, by its fate. */
const unknownKinds = { open: "unknown-open", decided: "unknown-decided" } as const;

/** What became of a call: of a change its result or its failure, of a barrier nothing or its failure. */
export type LogOutcome = { readonly result: CommitResult | null } | { readonly failure: ClusterFailure };

export function encodeLogAnswer(number: number, outcome: LogOutcome): Uint8Array {
  return processes.LogAnswer.encode({ number, ...fieldsOf(outcome) }).finish();
}

function fieldsOf(outcome: LogOutcome): LogAnswerInput {
  if ("failure" in outcome) {
    const { kind, reason, message } = outcome.failure;
    const { failure } = outcome;
    const told = failure instanceof UnknownOutcome ? unknownKinds[failure.fate] : kind;
    return { failure: { kind: told, reason: reason ?? "", message } };
  }
  const { result } = outcome;
  if (result === null) return {};
  return result.outcome === "committed" ? { revision: result.revision } : { refused: result.failed };
}

export function decodeLogAnswer(message: Buffer): { readonly number: number; readonly outcome: LogOutcome } {
  const { number, revision, refused, failure } = processes.LogAnswer.decode(message);
  if (failure !== null && failure !== undefined)
    return { number, outcome: { failure: failureOf(failure as ForwardedFailure) } };
  if (refused.byteLength > 0)
    return { number, outcome: { result: { outcome: "refused", failed: Buffer.from(refused) } } };
  return { number, outcome: { result: revision === 0 ? null : { outcome: "committed", revision } } };
}

function failureOf({ kind, reason, message }: ForwardedFailure): ClusterFailure {
  for (const fate of ["open", "decided"] as const)
    if (kind === unknownKinds[fate]) return new UnknownOutcome(message, { fate });
  const known = reasonCodes.find((code) => code === reason);
  const named = kinds.find((name) => name === kind) ?? "halt";
  return new ClusterFailure(named, message, known === undefined ? {} : { reason: known });
}
