import type { EtcdExamination } from "@kakera/metadata";
import type { EtcdPlace } from "../config/etcd-settings.ts";
import type { Address } from "../config/parse-values.ts";

/** What `doctor` asks the machine. */
export interface MachineProbe {
  folder(path: string): Promise<FolderFacts>;
  /** Whether a server could listen there now. */
  port(address: Address): Promise<"free" | "busy" | "denied">;
  /** Whether something takes connections there. */
  reach(address: string): Promise<"reached" | "refused" | "silent">;
  etcd(place: EtcdPlace): Promise<EtcdExamination>;
  readonly user: UserFacts;
  /** Files that the process may hold open; null: the system does not say. */
  readonly openFilesMax: number | null;
}

export interface UserFacts {
  readonly uid: number;
  readonly gid: number;
}

export interface FolderFacts {
  readonly path: string;
  /** `missing`: the server would make it; `denied`: it may not be entered, read or written. */
  readonly state: "drive" | "empty" | "other-files" | "missing" | "not-a-folder" | "denied";
  /** The nearest folder that exists: itself, or the one in which it would be made. */
  readonly existingPath: string;
  /** Its kind, as nfs, overlay or xfs; null: one that is not known here. */
  readonly fileSystem: string | null;
  readonly deviceId: number;
  readonly freeBytes: number;
  readonly totalBytes: number;
}
