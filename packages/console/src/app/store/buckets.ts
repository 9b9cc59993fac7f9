import type { SeenBucket } from "../../reports.ts";
import { encodePercent } from "../signing/percent.ts";
import type { Store } from "./store.ts";

export async function listBuckets(store: Store, signal?: AbortSignal): Promise<readonly SeenBucket[]> {
  const report = await store.report<{ buckets: readonly SeenBucket[] }>({ method: "GET", path: "/buckets" }, signal);
  return report.buckets;
}

export async function createBucket(store: Store, name: string): Promise<void> {
  await store.send({ method: "PUT", path: `/${encodePercent(name)}` });
}

/** Only an empty one. */
export async function removeBucket(store: Store, name: string): Promise<void> {
  await store.send({ method: "DELETE", path: `/${encodePercent(name)}` });
}
