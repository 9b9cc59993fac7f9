import { ClusterFailure } from "@kakera/kernel";

/** What lies in etcd is of a format that this version does not know: it is touched by nobody who would misread it. */
export function otherFormat(what: string, found: unknown, known: number): ClusterFailure {
  const sentence = `${what} in etcd has format ${String(found)}, and this version reads ${known}: start the version that wrote it`;
  return new ClusterFailure("halt", sentence, { reason: "VERSION_SKEW" });
}
