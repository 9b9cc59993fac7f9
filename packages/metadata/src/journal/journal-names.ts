/** Names of the files in a journal folder. Numbers grow and are never used twice on a drive. */
export const journalNames = {
  batches: (number: number): string => `batches-${digits(number)}`,
  spare: (number: number): string => `spare-${digits(number)}`,
  checkpoint: (sequence: number): string => `checkpoint-${digits(sequence)}`,
  /** Being written; removed at a start. */
  unfinished: (name: string): string => `${name}.unfinished`,
  promise: "promise",
  /** The last batch known to be acknowledged, while none follows. */
  acknowledged: "acknowledged",
  /** Here while a drive that held no journal is being filled: it does not count before it is whole. */
  filling: "filling",
} as const;

export type JournalFileKind = "batches" | "spare" | "checkpoint";

/** What a name in the folder stands for; null when it is none of ours. */
export function parseJournalName(name: string): { readonly kind: JournalFileKind; readonly number: number } | null {
  const match = /^(batches|spare|checkpoint)-([0-9]{16})$/.exec(name);
  return match === null ? null : { kind: match[1] as JournalFileKind, number: Number(match[2]) };
}

function digits(number: number): string {
  return String(number).padStart(16, "0");
}
