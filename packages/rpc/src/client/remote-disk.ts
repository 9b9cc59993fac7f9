import { idBytes, type Disk, type DiskFile, type DiskStat, type DriveId, type OpenMode } from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import type { NodeAnswer, NodeCaller } from "./node-caller.ts";
import type { NodeClientSettings } from "./node-client-settings.ts";
import { RemoteFile } from "./remote-file.ts";

export interface RemoteDiskParts {
  readonly caller: NodeCaller;
  readonly settings: NodeClientSettings;
}

/** The archive's part of a drive of another node. Rejects with DiskError as that node's does, and with NodeFailure without it. */
export class RemoteDisk implements Disk {
  readonly #id: Uint8Array;
  readonly #parts: RemoteDiskParts;

  constructor(driveId: DriveId, parts: RemoteDiskParts) {
    this.#id = idBytes(driveId);
    this.#parts = parts;
  }

  async open(path: string, { access, isSynchronous = false, isDirect = false }: OpenMode): Promise<DiskFile> {
    const call = { driveId: this.#id, path, access, isSynchronous, isDirect };
    const answer = await this.#write("open-file", calls.OpenFileCall.encode(call).finish());
    const { fileId } = calls.OpenFileAnswer.decode(answer.header);
    return new RemoteFile({ ...this.#parts, path, fileId });
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#write("rename", calls.RenameCall.encode({ driveId: this.#id, from, to }).finish());
  }

  async unlink(path: string): Promise<void> {
    await this.#write("unlink", this.#at(path));
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#write("make-directory", this.#at(path));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#write("sync-directory", this.#at(path));
  }

  async list(path: string): Promise<string[]> {
    return calls.ListAnswer.decode((await this.#ask("list", this.#at(path))).header).names;
  }

  async stat(path: string): Promise<DiskStat | null> {
    const answer = await this.#ask("stat", this.#at(path));
    const { isFound, sizeBytes, isDirectory, deviceId } = calls.StatAnswer.decode(answer.header);
    return isFound ? { sizeBytes, isDirectory, deviceId } : null;
  }

  async space(): Promise<{ readonly freeBytes: number; readonly totalBytes: number }> {
    const { freeBytes, totalBytes } = calls.SpaceAnswer.decode((await this.#ask("space", this.#at(""))).header);
    return { freeBytes, totalBytes };
  }

  #at(path: string): Uint8Array {
    return calls.PathCall.encode({ driveId: this.#id, path }).finish();
  }

  #ask(name: string, header: Uint8Array): Promise<NodeAnswer> {
    const { caller, settings } = this.#parts;
    return caller.call({ name, header, deadlineMs: settings.readDeadlineMs, isRepeatable: true });
  }

  #write(name: string, header: Uint8Array): Promise<NodeAnswer> {
    const { caller, settings } = this.#parts;
    return caller.call({ name, header, deadlineMs: settings.writeDeadlineMs, isRepeatable: false });
  }
}
