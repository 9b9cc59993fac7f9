import { describe, test } from "vitest";
import { propertyTime } from "../fakes/degraded-kit.ts";
import {
  readsRightBytes,
  readsRightBytesOrFails,
  readsLongBodies,
  readsManyParts,
} from "./degraded-read-properties.ts";

describe("a read while drives misbehave, in any of many ways,", () => {
  test(
    "gives the right bytes of any range with up to m drives that fail, hang, come late or give wrong bytes",
    propertyTime,
    () => readsRightBytes({ numRuns: 30 }),
  );

  test("gives right bytes or a cluster failure with any number of them, never anything else", propertyTime, () =>
    readsRightBytesOrFails({ numRuns: 30 }),
  );

  test("of a long body from drives that are all slow at times is slow, and does not fail", propertyTime, () =>
    readsLongBodies({ numRuns: 8 }),
  );

  test("of many parts, each met by other slow drives, is slow, and does not fail", propertyTime, () =>
    readsManyParts({ numRuns: 5 }),
  );
});
