import { ClusterFailure } from "@kakera/kernel";
import { EtcdSession, type SessionParts } from "./etcd-session.ts";
import { relieveFull } from "./relieve-full.ts";

/** A new session. Where etcd is full and nobody is left who could make room, that is done first. Rejects with `retry` at the deadline. */
export async function openSession(parts: SessionParts, deadlineMs: number): Promise<EtcdSession> {
  try {
    return await EtcdSession.open(parts, deadlineMs);
  } catch (failure) {
    if (!(failure instanceof ClusterFailure) || failure.reason !== "LOG_SPACE") throw failure;
    if ((await relieveFull(parts, deadlineMs)) === "not relieved") throw failure;
    return EtcdSession.open(parts, deadlineMs);
  }
}
