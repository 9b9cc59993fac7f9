import { describe, it } from "vitest";
import { countFor } from "../../../test/harness/length.ts";
import { cutOff, flipBits, sampleDrive } from "./damage-kit.ts";

/** Every so many bytes; primes, so that all alignments have their turn. */
const flipEveryBytes = countFor({ whole: 2, ci: 5, here: 5 });
const cutEveryBytes = countFor({ whole: 7, ci: 13, here: 13 });

describe.each(["closed", "killed"] as const)("a segment of a drive that was %s", (ending) => {
  it("never gives wrong bytes, whichever bit is flipped, and loses but one record by it", async () => {
    await flipBits(await sampleDrive(ending), flipEveryBytes);
  });

  it("never gives wrong bytes, wherever it is cut off, and keeps what lies before the cut", async () => {
    await cutOff(await sampleDrive(ending), cutEveryBytes);
  });
});
