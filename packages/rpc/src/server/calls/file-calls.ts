import {
  ClusterFailure,
  DiskError,
  idFromBytes,
  type Disk,
  type DiskFile,
  type DriveId,
  type OpenMode,
} from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import { bufferReleased } from "../../buffer-released.ts";
import { checkArchivePath } from "../../wire/archive-path.ts";
import { payloadBytesMax } from "../../wire/call-limits.ts";
import type { Holdings } from "../holdings.ts";
import type { PayloadMemory } from "../payload-memory.ts";
import { callHandler, type CallAnswer, type CallHandler } from "./call-handler.ts";

const done: CallAnswer = { header: calls.DoneAnswer.encode({}).finish() };

export function unknownFile(id: number): Error {
  return new DiskError("EBADF", `file ${id}`, "use");
}

export type Disks = ReadonlyMap<DriveId, Disk>;
export type OpenFiles = Holdings<DiskFile>;

export function openFileCall(disks: Disks, files: OpenFiles): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, path, access, isSynchronous, isDirect } = calls.OpenFileCall.decode(header);
      const mode: OpenMode = { access: accessOf(access), isSynchronous, isDirect };
      return { driveId: idFromBytes("drive", driveId), path, mode };
    },
    async ({ driveId, path, mode }, { sender, signal }) => {
      checkArchivePath(path, "open");
      files.checkRoom();
      const file = await findDisk(disks, driveId).open(path, mode);
      try {
        // Nobody would ever learn its id.
        signal.throwIfAborted();
        return { header: calls.OpenFileAnswer.encode({ fileId: files.add(sender, file) }).finish() };
      } catch (failure) {
        await file.close();
        throw failure;
      }
    },
  );
}

export function readFileCall(files: OpenFiles, memory: PayloadMemory): CallHandler {
  return callHandler(
    (header) => calls.ReadFileCall.decode(header),
    async ({ fileId, positionBytes, lengthBytes }, { sender, signal }) => {
      if (lengthBytes > payloadBytesMax) throw new ClusterFailure("retry", "a read is too large to be sent");
      const lease = await memory.take(lengthBytes, signal);
      try {
        const readBytes = await files.use(sender, fileId, (file) => file.read(lease.bytes, positionBytes));
        return { ...done, payload: lease.bytes.subarray(0, readBytes), release: () => lease.release() };
      } catch (failure) {
        void (bufferReleased(failure) ?? Promise.resolve()).then(() => lease.release());
        throw failure;
      }
    },
  );
}

export function writeFileCall(files: OpenFiles): CallHandler {
  return callHandler(
    (header) => calls.WriteFileCall.decode(header),
    async ({ fileId, positionBytes }, { sender, payload }) => {
      await files.use(sender, fileId, (file) => file.write(payload, positionBytes));
      return done;
    },
  );
}

export function syncFileCall(files: OpenFiles): CallHandler {
  return fileCall(async (fileId, sender) => {
    await files.use(sender, fileId, (file) => file.fdatasync());
    return done;
  });
}

export function measureFileCall(files: OpenFiles): CallHandler {
  return fileCall(async (fileId, sender) => {
    const sizeBytes = await files.use(sender, fileId, (file) => file.sizeBytes());
    return { header: calls.SizeAnswer.encode({ sizeBytes }).finish() };
  });
}

export function closeFileCall(files: OpenFiles): CallHandler {
  return fileCall(async (fileId, sender) => {
    await (await files.take(sender, fileId)).close();
    return done;
  });
}

export function truncateFileCall(files: OpenFiles): CallHandler {
  return callHandler(
    (header) => calls.TruncateFileCall.decode(header),
    async ({ fileId, sizeBytes }, { sender }) => {
      await files.use(sender, fileId, (file) => file.truncate(sizeBytes));
      return done;
    },
  );
}

export function renameCall(disks: Disks): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, from, to } = calls.RenameCall.decode(header);
      return { driveId: idFromBytes("drive", driveId), from, to };
    },
    async ({ driveId, from, to }) => {
      checkArchivePath(from, "rename");
      checkArchivePath(to, "rename");
      await findDisk(disks, driveId).rename(from, to);
      return done;
    },
  );
}

export function unlinkCall(disks: Disks): CallHandler {
  return pathCall(disks, "unlink", async (disk, path) => {
    await disk.unlink(path);
    return done;
  });
}

export function makeDirectoryCall(disks: Disks): CallHandler {
  return pathCall(disks, "make-directory", async (disk, path) => {
    await disk.makeDirectory(path);
    return done;
  });
}

export function syncDirectoryCall(disks: Disks): CallHandler {
  return pathCall(disks, "sync-directory", async (disk, path) => {
    await disk.syncDirectory(path);
    return done;
  });
}

export function listCall(disks: Disks): CallHandler {
  return pathCall(disks, "list", async (disk, path) => {
    return { header: calls.ListAnswer.encode({ names: await disk.list(path) }).finish() };
  });
}

export function statCall(disks: Disks): CallHandler {
  return pathCall(disks, "stat", async (disk, path) => {
    const found = await disk.stat(path);
    return { header: calls.StatAnswer.encode(found === null ? {} : { ...found, isFound: true }).finish() };
  });
}

export function spaceCall(disks: Disks): CallHandler {
  return callHandler(
    (header) => idFromBytes("drive", calls.PathCall.decode(header).driveId),
    async (driveId) => ({ header: calls.SpaceAnswer.encode(await findDisk(disks, driveId).space()).finish() }),
  );
}

function pathCall(
  disks: Disks,
  operation: string,
  run: (disk: Disk, path: string) => Promise<CallAnswer>,
): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, path } = calls.PathCall.decode(header);
      return { driveId: idFromBytes("drive", driveId), path };
    },
    async ({ driveId, path }) => {
      checkArchivePath(path, operation);
      return run(findDisk(disks, driveId), path);
    },
  );
}

function fileCall(run: (fileId: number, sender: string) => Promise<CallAnswer>): CallHandler {
  return callHandler(
    (header) => calls.FileCall.decode(header).fileId,
    (fileId, { sender }) => run(fileId, sender),
  );
}

function findDisk(disks: Disks, driveId: DriveId): Disk {
  const disk = disks.get(driveId);
  if (disk !== undefined) return disk;
  throw new ClusterFailure("retry", `this node has no drive ${driveId}`, { reason: "DRIVE_OFFLINE" });
}

function accessOf(sent: string): OpenMode["access"] {
  if (sent === "read" || sent === "write" || sent === "create") return sent;
  throw new Error(`a file is opened to ${sent}`);
}
