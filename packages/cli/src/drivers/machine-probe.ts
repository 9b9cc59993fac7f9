import { access, constants, readdir, stat, statfs } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Address } from "../config/parse-values.ts";
import type { FolderFacts, MachineProbe } from "../doctor/machine-probe.ts";
import { nearestExisting } from "./nearest-existing.ts";

/** This machine. */
export function createMachineProbe(): MachineProbe {
  return {
    folder: probeFolder,
    port: probePort,
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

function readOpenFilesMax(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined ? null : Number(limit);
  } catch {
    return null; // not Linux
  }
}
