/** What compaction weighs of a sealed segment. */
export interface SegmentUse {
  readonly segmentId: number;
  /** Of its file. */
  readonly sizeBytes: number;
  /** Of all its records, live and dead. */
  readonly recordBytes: number;
  readonly liveBytes: number;
}

export interface CompactionRule {
  /** A segment with a larger share of garbage is compacted. */
  readonly garbageShareMax: number;
  /** Segments far below this size were left behind by restarts; more than a few of them are joined. */
  readonly segmentSizeBytes: number;
}

const smallSegmentsMax = 8;

/** The segment to compact next: the one that gives most back; null when none is worth it. Pure. */
export function chooseSegment(segments: readonly SegmentUse[], rule: CompactionRule): SegmentUse | null {
  const garbageOf = (segment: SegmentUse): number => segment.recordBytes - segment.liveBytes;
  const wasteful = segments.filter((segment) => garbageOf(segment) > segment.recordBytes * rule.garbageShareMax);
  const small = segments.filter((segment) => segment.sizeBytes < rule.segmentSizeBytes / 4);
  if (wasteful.length > 0) return wasteful.reduce((best, one) => (garbageOf(one) > garbageOf(best) ? one : best));
  if (small.length > smallSegmentsMax)
    return small.reduce((best, one) => (one.sizeBytes < best.sizeBytes ? one : best));
  return null;
}
