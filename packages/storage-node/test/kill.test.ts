import { describe, it } from "vitest";
import { killAndRebuild } from "./kill-kit.ts";

describe("an index that survives its process", () => {
  it.each(Array.from({ length: 8 }, (_, seed) => seed))(
    "shows what was acknowledged, and is what a rebuild makes of the drive (seed %i)",
    killAndRebuild,
  );
});
