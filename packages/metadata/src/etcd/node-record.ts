import { parseId, type DriveId, type NodeId } from "@kakera/kernel";

/** What a node says of itself, for as long as it lives. */
export interface NodeRecord {
  readonly nodeId: NodeId;
  /** Where other nodes reach it: host:port. */
  readonly address: string;
  /** Names of failure domains; null: not named. */
  readonly zone: string | null;
  readonly rack: string | null;
  readonly host: string;
  readonly version: string;
  /** Feature levels that it can work at; absent: the first only. */
  readonly levels?: { readonly oldest: number; readonly newest: number };
  /** What its port takes; absent: plain calls only, as all nodes did before there was another way. */
  readonly tls?: "require" | "prefer";
  /** What runs in it. */
  readonly roles: readonly ("gateway" | "storage")[];
  /** Drives that are open. */
  readonly drives: readonly NodeDrive[];
}

export interface NodeDrive {
  readonly driveId: DriveId;
  /** What it can hold. */
  readonly sizeBytes: number;
  /** Grows whenever the drive is opened: of two nodes that name it, the one with the higher has opened it later. */
  readonly incarnation: number;
}

/** One line of JSON: a few hundred bytes for each node, read by people who look into etcd. */
export function encodeNode(record: NodeRecord): Buffer {
  return Buffer.from(JSON.stringify({ format: 1, ...record }));
}

/** null: of a format that this version does not know, or none of ours. */
export function decodeNode(bytes: Uint8Array): NodeRecord | null {
  try {
    const { format, ...record } = JSON.parse(Buffer.from(bytes).toString()) as NodeRecord & { format: number };
    return format === 1 && parseId("node", record.nodeId) !== null ? record : null;
  } catch {
    return null;
  }
}
