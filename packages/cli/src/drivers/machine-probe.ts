import { access, constants, readdir, stat, statfs } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createSystemRandom, SECOND_MS, systemClock } from "@kakera/kernel";
import { examineEtcd } from "@kakera/metadata";
import type { Address } from "../config/parse-values.ts";
import type { FolderFacts, MachineProbe } from "../doctor/machine-probe.ts";
import { nearestExisting } from "./nearest-existing.ts";

/** This machine. */
export function createMachineProbe(): MachineProbe {
  return {
    folder: probeFolder,
    port: probePort,
    reach,
    etcd: ({ access, settings }) => examineEtcd({ access, clock: systemClock, random: createSystemRandom() }, settings),
    user: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    openFilesMax: readOpenFilesMax(),
  };
}

async function probeFolder(path: string): Promise<FolderFacts> {
  const existingPath = await nearestExisting(path);
  const facts = await stat(existingPath);
  const space = await statfs(existingPath);
  return {
    path,
    state: await stateOf(path, existingPath),
    existingPath,
    fileSystem: fileSystems[space.type] ?? null,
    deviceId: facts.dev,
    freeBytes: space.bavail * space.bsize,
    totalBytes: space.blocks * space.bsize,
  };
}

async function stateOf(path: string, existingPath: string): Promise<FolderFacts["state"]> {
  try {
    if (!(await stat(existingPath)).isDirectory()) return "not-a-folder";
    await access(existingPath, constants.R_OK | constants.W_OK | constants.X_OK);
    if (existingPath !== path) return "missing";
    const names = await readdir(path);
    if (names.includes(".kakera")) {
      await access(join(path, ".kakera"), constants.R_OK | constants.W_OK | constants.X_OK);
      return "drive";
    }
    return names.every((name) => name === "lost+found") ? "empty" : "other-files";
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") return "denied";
    throw error;
  }
}

function probePort(address: Address): Promise<"free" | "busy" | "denied"> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: Error & { code?: string }) => {
      if (error.code === "EADDRINUSE") resolve("busy");
      else if (error.code === "EACCES") resolve("denied");
      else reject(error);
    });
    server.listen({ port: address.port, ...(address.host === "" ? {} : { host: address.host }) }, () => {
      server.close(() => resolve("free"));
    });
  });
}

const reachMsMax = 3 * SECOND_MS;

/** `address`: host:port. */
function reach(address: string): Promise<"reached" | "refused" | "silent"> {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at).replaceAll(/[[\]]/g, "");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(address.slice(at + 1)) });
    const end = (how: "reached" | "refused" | "silent"): void => {
      socket.destroy();
      resolve(how);
    };
    socket.setTimeout(reachMsMax, () => end("silent"));
    socket.once("connect", () => end("reached"));
    socket.once("error", (error: Error & { code?: string }) =>
      end(error.code === "ECONNREFUSED" ? "refused" : "silent"),
    );
  });
}

/** The numbers that statfs(2) tells kinds of file systems by. */
const fileSystems: Readonly<Record<number, string>> = {
  0x6969: "nfs",
  0xff534d42: "cifs",
  0xfe534d42: "smb",
  0x01021997: "9p",
  0x00c36400: "ceph",
  0x794c7630: "overlay",
  0x01021994: "tmpfs",
  0xef53: "ext4",
  0x58465342: "xfs",
  0x9123683e: "btrfs",
  0x2fc12fc1: "zfs",
};

function readOpenFilesMax(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined ? null : Number(limit);
  } catch {
    return null; // not Linux
  }
}
