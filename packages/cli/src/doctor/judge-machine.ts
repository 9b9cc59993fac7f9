import { GIB, SECOND_MS } from "@kakera/kernel";
import { bad, ok, type Finding } from "./findings.ts";
import type { FolderFacts } from "./machine-probe.ts";

const clockSkewMsMax = 2 * SECOND_MS;
const memoryBytesMin = GIB;

/** null: there is nothing to say of it. */
export function judgeFileSystem({ path, fileSystem }: FolderFacts): Finding | null {
  switch (fileSystem) {
    case null:
      return null;
    case "nfs":
    case "cifs":
    case "smb":
    case "9p":
    case "ceph":
      return bad("warning", "NETWORK_FILESYSTEM", {
        subject: path,
        sentence: `it lies on ${fileSystem}: what is synced there may be lost, and locks may not hold`,
        remedy: "a drive of this machine, with XFS or ext4",
      });
    case "overlay":
      return bad("warning", "CONTAINER_LAYER", {
        subject: path,
        sentence: "it lies in the container's own layer, which goes with the container",
        remedy: `mount a volume at ${path}`,
      });
    case "tmpfs":
      return bad("warning", "MEMORY_FILESYSTEM", {
        subject: path,
        sentence: "it lies in memory, which is empty after a restart of the machine",
        remedy: "a drive of this machine, with XFS or ext4",
      });
    default:
      return ok(path, `on ${fileSystem}`);
  }
}

/** `limitBytes`: of the control group; null: none. */
export function judgeMemory(limitBytes: number | null): Finding {
  if (limitBytes === null) return ok("memory", "no limit for this process");
  const limit = `${(limitBytes / GIB).toFixed(1)} GiB`;
  if (limitBytes >= memoryBytesMin) return ok("memory", `a limit of ${limit}`);
  return bad("warning", "MEMORY_LOW", {
    subject: "memory",
    sentence: `a limit of ${limit}, which many requests at a time would reach`,
    remedy: "a limit of 1 GiB or more; or --memory-max below it, and fewer --processes",
  });
}

/** `askedMs` and `answeredMs`: this machine's clock around an answer that holds the server's. */
export function judgeClock(
  serverMs: number,
  asked: { readonly askedMs: number; readonly answeredMs: number },
): Finding {
  const { askedMs, answeredMs } = asked;
  const skewMs = Math.max(askedMs - serverMs, serverMs - answeredMs, 0);
  if (skewMs <= clockSkewMsMax) return ok("clock", "agrees with the server's");
  return bad("failure", "CLOCK_SKEW", {
    subject: "clock",
    sentence: `this machine's clock and the server's are ${(skewMs / SECOND_MS).toFixed(0)} s apart: signatures are refused from 15 min on, and nodes refuse each other`,
    remedy: "set the clocks, by NTP: timedatectl status",
  });
}
