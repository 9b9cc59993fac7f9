import type { DriveId } from "@kakera/kernel";
import type { OrderedStore, PlaceFinding } from "@kakera/storage-node";
import type { BoundedCalls } from "./severable-disk.ts";

/** The drive folders of this machine, as the composition works with them. Every method rejects with DiskError. */
export interface FolderAccess {
  inspect(place: string): Promise<PlaceFinding>;
  /** The folder when it is there, else the nearest one above it that is. */
  existing(place: string): Promise<string>;
  /** Makes the folder and those above it, durably. No error when it is there. */
  make(place: string): Promise<void>;
  /** The folder as a disk whose calls are bounded. */
  disk(place: string): BoundedCalls;
  /** Takes the folder for this process. Throws CommandFailure (refused) when another has it. */
  lock(place: string): { release(): void };
  /** The drive's derived index, emptied when it cannot be believed. */
  openIndex(place: string, driveId: DriveId): Promise<OrderedStore>;
  /** A small file in the folder, or null when there is none. */
  readText(place: string, path: string): Promise<string | null>;
  /** Replaces a file that only its owner may read, durably. */
  writeSecret(place: string, path: string, text: string): Promise<void>;
  /** st_dev of the folder. */
  deviceOf(place: string): Promise<number | null>;
}
