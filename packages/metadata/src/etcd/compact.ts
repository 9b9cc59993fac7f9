import type { Clock } from "@kakera/kernel";
import { fateOf } from "./etcd-failure.ts";
import type { EtcdMembers } from "./etcd-members.ts";

/** A member deletes some ten thousand revisions a second. */
const compactMsMax = 60_000;

/** Forgets what was before `revision`; it is gone from the file of the member that is asked when this resolves. No error when it was forgotten before. */
export async function compact(parts: { members: EtcdMembers; clock: Clock }, revision: number): Promise<void> {
  const { members, clock } = parts;
  await members.insist("compact", clock.monotonicMs() + compactMsMax, async (client, options) => {
    try {
      await client.kv.compact({ revision, physical: true }, { ...options, deadline: clock.nowMs() + compactMsMax });
    } catch (failure) {
      // By an earlier attempt, or by somebody else.
      if (fateOf(failure) !== "compacted") throw failure;
    }
  });
}
