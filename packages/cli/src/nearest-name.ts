/** The name of `names` that takes the fewest edits to become `given`; null when all are too far to be what was meant. */
export function nearestName(given: string, names: readonly string[]): string | null {
  let nearest: string | null = null;
  let nearestEdits = Math.max(2, Math.floor(given.length / 3)) + 1;
  for (const name of names) {
    const edits = editDistance(given.toLowerCase(), name.toLowerCase());
    if (edits < nearestEdits) {
      nearest = name;
      nearestEdits = edits;
    }
  }
  return nearest;
}

/** Levenshtein's distance, row by row. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] as number) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[right.length] as number;
}
