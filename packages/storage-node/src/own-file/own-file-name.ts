import { parseId } from "@kakera/kernel";
import type { ShardRef } from "@kakera/rpc";

export const ownFileFolder = "shards";
export const temporaryFolder = "tmp";

/** A file of its own says in its name which shard it holds and its sequence number, so that a listing rebuilds the index. */
export interface OwnFileName {
  readonly ref: ShardRef;
  readonly sequence: number;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/** Files are spread over 256 folders by the first byte of their (random) data id. */
export function ownFileFolderOf(ref: ShardRef): string {
  return `${ownFileFolder}/${ref.dataId.slice(0, 2)}`;
}

export function ownFilePath(ref: ShardRef, sequence: number): string {
  const { group, dataId, chunkIndex, shardIndex } = ref;
  return `${ownFileFolderOf(ref)}/${dataId}-${hex(chunkIndex, 8)}-${hex(shardIndex, 2)}-${hex(group, 8)}-${hex(sequence, 14)}`;
}

/** null: not the name of a shard. */
export function parseOwnFileName(name: string): OwnFileName | null {
  const match = /^([0-9a-f]{32})-([0-9a-f]{8})-([0-9a-f]{2})-([0-9a-f]{8})-([0-9a-f]{14})$/.exec(name);
  if (match === null) return null;
  const [, dataId, chunkIndex, shardIndex, group, sequence] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    ref: {
      dataId: parseId("data", dataId)!,
      chunkIndex: Number.parseInt(chunkIndex, 16),
      shardIndex: Number.parseInt(shardIndex, 16),
      group: Number.parseInt(group, 16),
    },
    sequence: Number.parseInt(sequence, 16),
  };
}
