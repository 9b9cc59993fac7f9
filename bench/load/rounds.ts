export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

export interface Compared {
  /** Medians over the rounds. */
  readonly ratio: number;
  readonly ours: number;
  readonly theirs: number;
  readonly rounds: readonly number[];
}

/** Measures ours, theirs, theirs, ours in each round, so that a slow moment of the machine hits both. */
export async function compareInTurn(
  roundCount: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<Compared> {
  const [mine, others, ratios]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < roundCount; round++) {
    const [a1, b1, b2, a2] = [await ours(), await theirs(), await theirs(), await ours()];
    mine.push((a1 + a2) / 2);
    others.push((b1 + b2) / 2);
    ratios.push((a1 + a2) / (b1 + b2));
  }
  return { ratio: median(ratios), ours: median(mine), theirs: median(others), rounds: ratios };
}
