/** How much was left at a moment. */
export interface Mark {
  readonly atMs: number;
  readonly leftCount: number;
}

const marksMax = 100;

/** Behind the others; a count that has grown begins anew, for what was before says nothing of the pace now. */
export function marked(marks: readonly Mark[], mark: Mark): readonly Mark[] {
  const last = marks.at(-1);
  if (last !== undefined && mark.leftCount > last.leftCount) return [mark];
  return [...marks, mark].slice(-marksMax);
}

/** At the pace that was seen; null: nothing was seen to go, or nothing is left. */
export function timeLeftMs(marks: readonly Mark[]): number | null {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined || last.leftCount === 0) return null;
  const goneCount = first.leftCount - last.leftCount;
  if (goneCount <= 0) return null;
  return ((last.atMs - first.atMs) * last.leftCount) / goneCount;
}
