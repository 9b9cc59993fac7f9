import { formatGeometry, geometryForDomains, type Geometry } from "@kakera/kernel";
import { usageFailure } from "../command-failure.ts";
import type { GeometryWish } from "../config/parse-values.ts";

/** MinIO's stripes are no wider, and a wish in its words ("EC:M") means such a stripe. */
const stripeShardsMax = 16;

/** The geometry that so many drives are formed with. Throws CommandFailure (usage) for a wish that does not fit. */
export function chooseGeometry(
  wish: GeometryWish | null,
  driveCount: number,
  domains: "drives" | "failure domains" = "drives",
): Geometry {
  const geometry = wish === null ? geometryForDomains(driveCount) : wishedGeometry(wish, driveCount);
  const shardCount = geometry.k + geometry.m;
  if (geometry.k < 1 || shardCount > driveCount) {
    const words = wish?.kind === "parity" ? `EC:${wish.m}` : formatGeometry(geometry);
    throw usageFailure(
      `the geometry ${words} does not fit on ${driveCount} ${domains}: each shard of a chunk needs one of its own`,
      `--geometry ${formatGeometry(geometryForDomains(driveCount))}`,
    );
  }
  return geometry;
}

function wishedGeometry(wish: GeometryWish, driveCount: number): Geometry {
  if (wish.kind === "exact") return wish.geometry;
  return { k: Math.min(driveCount, stripeShardsMax) - wish.m, m: wish.m };
}
