import { describe, it } from "vitest";
import { cutOff, flipBits, sampleDrive } from "./damage-kit.ts";

describe.each(["closed", "killed"] as const)("a segment of a drive that was %s", (ending) => {
  it("never gives wrong bytes, whichever bit is flipped, and loses but one record by it", async () => {
    await flipBits(await sampleDrive(ending), 2);
  });

  it("never gives wrong bytes, wherever it is cut off, and keeps what lies before the cut", async () => {
    await cutOff(await sampleDrive(ending), 7);
  });
});
