import { median } from "../load/rounds.ts";
import type { PhaseFigures } from "./calls.ts";
import type { ReplayFigures } from "./replay.ts";

interface Ratio {
  readonly phase: string;
  /** First store's by second store's, medians over the rounds: below 1 the first is quicker. */
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Comparison {
  readonly first: readonly ReplayFigures[];
  readonly second: readonly ReplayFigures[];
  readonly ratios: readonly Ratio[];
  /** Growth on disk after the collection; null: not both stores' folders are named. */
  readonly disk: number | null;
}

/** First, second, second, first in each round, so that a slow moment of the machine and a disk that fills meet both. */
export async function compareStores(
  roundCount: number,
  first: () => Promise<ReplayFigures>,
  second: () => Promise<ReplayFigures>,
): Promise<Comparison> {
  const [ones, others]: [ReplayFigures[], ReplayFigures[]] = [[], []];
  for (let round = 0; round < roundCount; round++) {
    ones.push(await first());
    others.push(await second(), await second());
    ones.push(await first());
  }
  const names = ones[0]?.phases.map(({ phase }) => phase) ?? [];
  const rounds = Array.from({ length: roundCount }, (_, round) => round);
  const ratioOf = (of: (run: ReplayFigures) => number): number =>
    median(rounds.map((round) => sumOf(ones, round, of) / sumOf(others, round, of)));
  const ratios = names.map((phase): Ratio => {
    const ofPhase = (figure: (figures: PhaseFigures) => number): number =>
      ratioOf((run) => figure(run.phases.find((each) => each.phase === phase) as PhaseFigures));
    return {
      phase,
      seconds: ofPhase(({ seconds }) => seconds),
      p50: ofPhase(({ p50Ms }) => p50Ms),
      p99: ofPhase(({ p99Ms }) => p99Ms),
    };
  });
  const haveDisks = [...ones, ...others].every(({ disk }) => disk !== null);
  const disk = haveDisks ? ratioOf(growthOf) : null;
  return { first: ones, second: others, ratios, disk };
}

function growthOf({ disk }: ReplayFigures): number {
  return disk === null ? Number.NaN : disk.bytesAfterCollection - disk.bytesAtStart;
}

/** Over the two runs of a round. */
function sumOf(runs: readonly ReplayFigures[], round: number, of: (run: ReplayFigures) => number): number {
  return of(runs[2 * round] as ReplayFigures) + of(runs[2 * round + 1] as ReplayFigures);
}
