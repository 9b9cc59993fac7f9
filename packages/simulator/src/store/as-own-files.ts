import type { Receipt, ShardDrive, ShardWrite } from "@kakera/rpc";

/**
 * Gives shards of `ownFileBytesMin` and more files of their own. The gateway does so from 1 MiB on, by pieces; worlds in memory are made of
 * smaller ones.
 */
export function asOwnFiles(drive: ShardDrive, settings: { readonly ownFileBytesMin: number }): ShardDrive {
  return {
    driveId: drive.driveId,
    put: (shard) => (shard.payload.byteLength < settings.ownFileBytesMin ? drive.put(shard) : putAlone(drive, shard)),
    begin: (identity) => drive.begin(identity),
    read: (ref, window, into) => drive.read(ref, window, into),
    describe: (ref) => drive.describe(ref),
    remove: (refs) => drive.remove(refs),
    sealGroup: (group, epoch) => drive.sealGroup(group, epoch),
    sealedEpoch: (group) => drive.sealedEpoch(group),
    removeAtEpoch: (refs, epoch) => drive.removeAtEpoch(refs, epoch),
    inventory: (page) => drive.inventory(page),
    status: () => drive.status(),
  };
}

async function putAlone(drive: ShardDrive, shard: ShardWrite): Promise<Receipt> {
  const stream = await drive.begin(shard.identity);
  try {
    await stream.append(shard.payload, shard.blockChecksums);
    return await stream.finish(shard);
  } catch (error) {
    await stream.abort();
    throw error;
  }
}
