import type { SeenActivity, SeenBucket, SeenExplanation, SeenOffer, SeenStatus } from "@kakera/console";
import { expectTypeOf, test } from "vitest";
import type { ActivityReport } from "../src/admin/activity-ring.ts";
import type { ExplainReport } from "../src/admin/explain-report.ts";
import type { BucketReport, StatusReport } from "../src/admin/status-report.ts";
import type { MovePlan } from "../src/moves/make-plan.ts";

/** What the console reads it declares itself, for it imports nothing of the program: a report that loses a field does not compile here. */
test("the reports have all that the console reads of them", () => {
  expectTypeOf<StatusReport>().toExtend<SeenStatus>();
  expectTypeOf<BucketReport>().toExtend<SeenBucket>();
  expectTypeOf<ActivityReport>().toExtend<SeenActivity>();
  expectTypeOf<ExplainReport>().toExtend<SeenExplanation>();
  expectTypeOf<MovePlan>().toExtend<SeenOffer>();
});
