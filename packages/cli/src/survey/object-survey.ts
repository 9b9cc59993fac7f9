import { idFromBytes, SECOND_MS, sleep, type Clock } from "@kakera/kernel";
import { objectKeyOfCurrent, objectSizeBytes, ranges, type Key, type KeyRange, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { SurveyTally, type SurveyReport } from "./survey-tally.ts";

export interface SurveyParts {
  readonly clock: Clock;
  /** null: it is not there, or not all of it is shown. */
  readonly view: () => View | null;
}

/** What this process' walks have looked at since it started. */
export interface SurveyCounts {
  readonly bucketsStarted: number;
  readonly bucketsFinished: number;
  readonly objects: number;
}

/** Rows of one slice, and the rest after it: some 20,000 rows a second, a few hundredths of a core. */
const rowsPerSlice = 512;
const sliceRestMs = 25;
/** Between the end of one walk and the start of the next: so long at least, and so many times as long as the walk took. */
const restMsMin = 15 * SECOND_MS;
const restPerWalk = 20;

/** Walks over all objects from time to time, slowly, for figures that the view does not keep: sizes, and what Milvus stores. */
export class ObjectSurvey {
  readonly #parts: SurveyParts;
  readonly #counts = { bucketsStarted: 0, bucketsFinished: 0, objects: 0 };
  #report: SurveyReport | null = null;

  constructor(parts: SurveyParts) {
    this.#parts = parts;
  }

  /** Of the last walk that came to its end; null: none did yet. */
  get report(): SurveyReport | null {
    return this.#report;
  }

  get counts(): SurveyCounts {
    return this.#counts;
  }

  /** Goes on until `signal` is aborted. Never rejects but with a broken assumption. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      await this.walk(signal);
      const restMs = Math.max(restMsMin, restPerWalk * (clock.monotonicMs() - startedMs));
      await sleep(clock, restMs, signal).catch(() => undefined);
    }
  }

  /** One walk. Given up when the view is not there any more, or `signal` is aborted. */
  async walk(signal: AbortSignal): Promise<void> {
    const view = this.#parts.view();
    if (view === null) return;
    const tally = new SurveyTally();
    for (const { name, objects } of bucketsOf(view)) {
      this.#counts.bucketsStarted++;
      tally.begin(name);
      for (let next: Key | null = objects.from; next !== null;) {
        if (this.#parts.view() !== view || signal.aborted) return;
        next = this.#walkSlice(view, { from: next, to: objects.to }, (key, sizeBytes) =>
          tally.add(name, { key, sizeBytes }),
        );
        if (next !== null) await sleep(this.#parts.clock, sliceRestMs, signal).catch(() => undefined);
      }
      this.#counts.bucketsFinished++;
    }
    this.#report = tally.report(this.#parts.clock.nowMs());
  }

  /** Returns where the next slice begins; null: the bucket ends here. */
  #walkSlice(view: View, range: KeyRange, visit: (key: string, sizeBytes: number) => void): Key | null {
    let count = 0;
    let next: Key | null = null;
    view.walk(range.from, range.to, (key, value) => {
      if (count++ === rowsPerSlice) {
        next = Buffer.from(key);
        return "stop";
      }
      this.#counts.objects++;
      visit(Buffer.from(objectKeyOfCurrent(key)).toString("latin1"), objectSizeBytes(value));
      return "next";
    });
    return next;
  }
}

interface SurveyedBucket {
  readonly name: string;
  readonly objects: KeyRange;
}

function bucketsOf(view: View): SurveyedBucket[] {
  const buckets: SurveyedBucket[] = [];
  const { from, to } = ranges.table("bucket");
  view.walk(from, to, (key, value) => {
    const { bucketId } = records.BucketRecord.decode(value);
    buckets.push({
      name: key.subarray(1).toString("latin1"),
      objects: ranges.current(idFromBytes("bucket", bucketId)),
    });
    return "next";
  });
  return buckets;
}
