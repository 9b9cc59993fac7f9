import { newId, silentMeter, type Meter } from "@kakera/kernel";
import { expect, test } from "vitest";
import { keys } from "../src/index.ts";
import { JournalDrives } from "./journal-drives.ts";

/** Keeps what histograms observe, by name. */
function recordingMeter(): {
  meter: Meter;
  seen: Map<string, { value: number; drive: string | number | undefined }[]>;
} {
  const seen = new Map<string, { value: number; drive: string | number | undefined }[]>();
  const meter: Meter = {
    ...silentMeter,
    histogram: ({ name }) => ({
      observe: (value, labels) => seen.set(name, [...(seen.get(name) ?? []), { value, drive: labels?.["drive"] }]),
    }),
  };
  return { meter, seen };
}

test("the time of each drive's synchronous write of a batch is observed once, under that drive", async () => {
  const drives = new JournalDrives(4, 2);
  const { meter, seen } = recordingMeter();
  const log = await drives.open({ meter });
  const commit = (value: string): Promise<unknown> =>
    log.commit({
      id: newId("change", drives.random),
      purpose: "write",
      compares: [],
      puts: [{ key: keys.bucket(value), value: Buffer.from(value) }],
      deletes: [],
    });
  await commit("one");
  await commit("two");
  await log.close();
  const syncs = seen.get("kakera_log_sync_duration_seconds") ?? [];
  for (const driveId of drives.driveIds) expect(syncs.filter(({ drive }) => drive === driveId)).toHaveLength(2);
  expect(syncs.every(({ value }) => value >= 0)).toBe(true);
});
