import fc from "fast-check";
import { ClusterFailure } from "@kakera/kernel";
import type { CallFate, DriveOperation, MemoryShardDrive } from "./memory-shard-drive.ts";

/** How one drive misbehaves: in which calls, from the how manieth on, and in what way. */
export interface DriveFault {
  readonly operation: DriveOperation;
  readonly fromCall: number;
  readonly fate: CallFate;
}

const retry = (): Error => new ClusterFailure("retry", "the drive does not answer", { reason: "DRIVE_SLOW" });

export const writeFates: readonly CallFate[] = [
  { kind: "fail", failure: retry() },
  { kind: "hang" },
  { kind: "late", byMs: 100 },
  { kind: "late", byMs: 900 },
];
export const readFates: readonly CallFate[] = [
  ...writeFates,
  { kind: "late", byMs: 70, corrupts: true },
  { kind: "late", byMs: 300, corrupts: true },
  { kind: "corrupt" },
  { kind: "fail", failure: new ClusterFailure("repair", "damaged here") },
];

export const writeFault: fc.Arbitrary<DriveFault> = fc.record({
  operation: fc.constantFrom<DriveOperation>("put", "begin", "append", "finish"),
  fromCall: fc.nat(2),
  fate: fc.constantFrom(...writeFates),
});

export const readFault: fc.Arbitrary<DriveFault> = fc.record({
  operation: fc.constant<DriveOperation>("read"),
  fromCall: fc.nat(2),
  fate: fc.constantFrom(...readFates),
});

/** Different drives of `count`, as indexes. */
export function someOf(count: number, atMost: number): fc.Arbitrary<number[]> {
  return fc.uniqueArray(fc.nat(count - 1), { maxLength: atMost });
}

export function inflict(drive: MemoryShardDrive, fault: DriveFault): void {
  let calls = 0;
  drive.fate = (operation) =>
    operation === fault.operation && calls++ >= fault.fromCall ? fault.fate : { kind: "ok" };
}

export function heal(drives: readonly MemoryShardDrive[]): void {
  for (const drive of drives) {
    drive.fate = () => ({ kind: "ok" });
    drive.release();
  }
}
