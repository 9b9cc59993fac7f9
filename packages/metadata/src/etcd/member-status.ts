import type { EtcdClient } from "./etcd-client.ts";
import type { EtcdMembers } from "./etcd-members.ts";

/** What a member says of the room that it has. */
export interface MemberStatus {
  readonly client: EtcdClient;
  readonly memberId: string;
  /** As etcd tells it: `3.6.9`. */
  readonly version: string;
  readonly isLeader: boolean;
  /** Of its file: etcd refuses every write when that has reached the quota, however much of it is free. */
  readonly sizeBytes: number;
  /** Of that, what holds rows or history. */
  readonly inUseBytes: number;
  readonly quotaBytes: number;
}

/** etcd's own, where it is told none. */
const quotaBytesDefault = 2 * 1024 ** 3;

/** Of each member that answers. `quotaBytes`: the operator knows it; null = it is asked for, and etcd's own default where it is not told. */
export async function readStatuses(members: EtcdMembers, quotaBytes: number | null): Promise<MemberStatus[]> {
  return members.everyone(async (client, options) => {
    // First by the library, which logs in anew when its token is over.
    const status = await client.maintenance.status(options);
    const told = quotaBytes ?? (await client.quotaBytes(options)) ?? quotaBytesDefault;
    const sizeBytes = Number(status.dbSize);
    return {
      client,
      memberId: status.header.member_id,
      version: status.version,
      isLeader: status.leader === status.header.member_id,
      sizeBytes,
      inUseBytes: Number((status as { dbSizeInUse?: string }).dbSizeInUse ?? 0) || sizeBytes,
      // Negative: without one.
      quotaBytes: told > 0 ? told : Number.POSITIVE_INFINITY,
    };
  });
}

/** So much of the quota is left free when an alarm is taken back, at least. */
const roomShareMin = 0.05;

export function hasRoom({ sizeBytes, quotaBytes }: MemberStatus): boolean {
  return sizeBytes < (1 - roomShareMin) * quotaBytes;
}

/** So much of the quota may be the free part of a file before it counts as if it were used. */
const freeShareMax = 0.15;

/** Of the quota, how much is used at the member that has least; 0 when none has answered. Free pages are written first, but must not end. */
export function usedShare(statuses: readonly MemberStatus[]): number {
  const shares = statuses.map(({ sizeBytes, inUseBytes, quotaBytes }) =>
    Math.max(inUseBytes / quotaBytes, sizeBytes / quotaBytes - freeShareMax),
  );
  return Math.max(0, ...shares);
}
