import { GIB } from "@kakera/kernel";
import { formatAddress, type Address } from "../config/parse-values.ts";
import type { FolderFacts, UserFacts } from "./machine-probe.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly kind: "finding";
  readonly version: 1;
  readonly state: "ok" | "warning" | "failure";
  /** A code, when it is not ok. */
  readonly reason: string | null;
  readonly subject: string;
  readonly sentence: string;
  readonly remedy: string | null;
}

const freeBytesMin = GIB;
const openFilesMin = 4096;

export function judgeFolder(folder: FolderFacts, user: UserFacts): Finding {
  const { path } = folder;
  switch (folder.state) {
    case "drive":
      return ok(path, "a drive of Kakera");
    case "denied":
      return bad("failure", "NOT_PERMITTED", {
        subject: path,
        sentence: `user ${user.uid} may not write in ${folder.existingPath}`,
        remedy: chownLine(folder.existingPath, user),
      });
    case "not-a-folder":
      return bad("failure", "DRIVE_FAILED", {
        subject: path,
        sentence: "it is a file, not a folder",
        remedy: "name another folder",
      });
    case "other-files":
      return bad("failure", "DRIVE_FOREIGN", {
        subject: path,
        sentence: "it holds files that are not Kakera's",
        remedy: "name an empty folder",
      });
    case "empty":
    case "missing":
      return ok(path, folder.state === "empty" ? "empty: it would be formatted" : "not there: it would be made");
  }
}

export function judgeSpace(folder: FolderFacts): Finding {
  if (folder.freeBytes >= freeBytesMin) return ok(folder.path, `${(folder.freeBytes / GIB).toFixed(1)} GiB free`);
  return bad("warning", "DRIVE_FULL", {
    subject: folder.path,
    sentence: `only ${(folder.freeBytes / GIB).toFixed(2)} GiB are free`,
    remedy: "free space, or name another folder",
  });
}

/** Drives on one device are lost together. */
export function judgeDevices(folders: readonly FolderFacts[]): Finding | null {
  if (folders.length < 2) return null;
  const deviceCount = new Set(folders.map((folder) => folder.deviceId)).size;
  if (deviceCount === folders.length) return ok("drives", "each on a device of its own");
  return bad("warning", "SAME_DEVICE", {
    subject: "drives",
    sentence: `${folders.length} folders lie on ${deviceCount === 1 ? "one device" : `${deviceCount} devices`}: ${sameDeviceMeaning}`,
    remedy: "mount a device of its own at each folder",
  });
}

export const sameDeviceMeaning = "that protects against corruption, not against the loss of a device";

export function judgePort(address: Address, state: "free" | "busy" | "denied"): Finding {
  const subject = formatAddress(address);
  if (state === "free") return ok(subject, "free");
  if (state === "busy") {
    return bad("warning", "PORT_BUSY", {
      subject,
      sentence: "another process listens there",
      remedy: "--address and --console-address choose other ports",
    });
  }
  return bad("failure", "NOT_PERMITTED", {
    subject,
    sentence: "this user may not listen there",
    remedy: "a port above 1023",
  });
}

export function judgeOpenFiles(openFilesMax: number | null): Finding {
  if (openFilesMax === null) return ok("open files", "no limit is known");
  if (openFilesMax >= openFilesMin) return ok("open files", `up to ${openFilesMax}`);
  return bad("warning", "ULIMIT", {
    subject: "open files",
    sentence: `the process may hold ${openFilesMax} files open, which many connections would use up`,
    remedy: "ulimit -n 65536",
  });
}

/** The line that gives a folder to the user of the server. */
export function chownLine(path: string, user: UserFacts): string {
  return `sudo chown -R ${user.uid}:${user.gid} ${shellQuoted(path)}`;
}

function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function ok(subject: string, sentence: string): Finding {
  return { kind: "finding", version: 1, state: "ok", reason: null, subject, sentence, remedy: null };
}

export function bad(
  state: "warning" | "failure",
  reason: string,
  about: { readonly subject: string; readonly sentence: string; readonly remedy: string },
): Finding {
  return { kind: "finding", version: 1, state, reason, ...about };
}
