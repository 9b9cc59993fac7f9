/**
 * Files, as a drive needs them. One Disk serves one drive directory; paths are relative to it, with "/" between.
 * Every method rejects with {@link DiskError}. Nothing is durable before its sync:
 * bytes need `fdatasync` (or a file opened with `isSynchronous`), names need `syncDirectory` of their folder.
 */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Atomic within the drive; replaces `to`. Durable after `syncDirectory` of both folders. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes the folder and its parents; no error when it exists. Durable after `syncDirectory` of each parent. */
  makeDirectory(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** Names in the folder, sorted by code unit. ENOENT when there is no such folder. */
  list(path: string): Promise<string[]>;
  /** null when there is nothing at the path. */
  stat(path: string): Promise<DiskStat | null>;
  /** `freeInodes`: absent where the file system, or who stands between, does not say. */
  space(): Promise<{ readonly freeBytes: number; readonly totalBytes: number; readonly freeInodes?: number }>;
}

export type OpenMode = {
  /** `read`; `write`: exists already, read and write; `create`: must not exist, read and write. */
  readonly access: "read" | "write" | "create";
  /** Each write returns only when it is durable (O_DSYNC). */
  readonly isSynchronous?: boolean;
  /** Past the page cache (O_DIRECT): buffers, positions and lengths are multiples of 4096. Falls back where unsupported. */
  readonly isDirect?: boolean;
};

export interface DiskStat {
  readonly sizeBytes: number;
  readonly isDirectory: boolean;
  /** st_dev: tells a mount point from a plain folder. */
  readonly deviceId: number;
}

export interface DiskFile {
  /** Fills `into` from `positionBytes`; resolves to the bytes read, fewer only at end of file. */
  read(into: Uint8Array, positionBytes: number): Promise<number>;
  /** As `read`, blocking: only for what is surely in the page cache. */
  readSync(into: Uint8Array, positionBytes: number): number;
  /** Writes all of `data`; the buffer must not change until this settles. */
  write(data: Uint8Array, positionBytes: number): Promise<void>;
  /** After a rejection nothing written since the last success may be believed, and it must not be called again. */
  fdatasync(): Promise<void>;
  /** Sets the length; new bytes are zeros. */
  truncate(sizeBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

/** `code`: the errno name, e.g. ENOENT, ENOSPC, EIO, EACCES, EEXIST. */
export class DiskError extends Error {
  override readonly name = "DiskError";
  readonly code: string;
  readonly path: string;
  constructor(code: string, path: string, operation: string, cause?: unknown) {
    super(`${operation} ${path}: ${code}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.path = path;
  }
}
