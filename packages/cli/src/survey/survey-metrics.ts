import type { PromMeter } from "../drivers/prom-meter.ts";
import type { ObjectSurvey } from "./object-survey.ts";
import { sizeRanges, type MilvusUsage } from "./survey-tally.ts";

/** A scrape names so many buckets at most. */
const bucketsMax = 200;

/** What walks over all objects have found: the sizes of objects, and what Milvus stores. */
export function measureSurvey(metrics: PromMeter, survey: ObjectSurvey): void {
  const counted = (name: string, help: string, value: () => number): void =>
    metrics.table({ name, help, kind: "counter" }, () => [{ labels: {}, value: value() }]);
  counted(
    "kakera_survey_objects_total",
    "objects that walks over all objects have looked at",
    () => survey.counts.objects,
  );
  counted("kakera_survey_buckets_started_total", "buckets that walks have begun", () => survey.counts.bucketsStarted);
  counted("kakera_survey_buckets_finished_total", "buckets that walks have ended", () => survey.counts.bucketsFinished);
  metrics.table(
    {
      name: "kakera_survey_timestamp_seconds",
      help: "when the last walk over all objects ended; absent before the first",
    },
    () => (survey.report === null ? [] : [{ labels: {}, value: survey.report.endedMs / 1000 }]),
  );
  metrics.table(
    {
      name: "kakera_bucket_objects_by_size",
      help: "objects of a bucket by size, as the last walk over all objects found them",
      labels: ["bucket", "range"],
    },
    () =>
      [...(survey.report?.objectsBySize ?? [])]
        .slice(0, bucketsMax)
        .flatMap(([bucket, counts]) =>
          sizeRanges.map(({ name }, at) => ({ labels: { bucket, range: name }, value: counts[at] ?? 0 })),
        ),
  );
  const stored = (name: string, help: string, value: (usage: MilvusUsage) => number): void =>
    metrics.table({ name, help, labels: ["bucket", "kind", "collection"] }, () =>
      (survey.report?.milvus ?? []).map((usage) => ({
        labels: { bucket: usage.bucket, kind: usage.kind, collection: usage.collection ?? "" },
        value: value(usage),
      })),
    );
  stored(
    "kakera_milvus_stored_bytes",
    "bytes of objects whose keys have the form of Milvus' files; the 50 largest by collection, the others as `others`; empty: the key names none",
    ({ sizeBytes }) => sizeBytes,
  );
  stored(
    "kakera_milvus_stored_objects",
    "objects whose keys have the form of Milvus' files",
    ({ objectCount }) => objectCount,
  );
}
