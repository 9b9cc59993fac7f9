import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the system takes for the path of a socket. */
const pathBytesMax = 107;
const ownerOnly = 0o600;

/** A place for a socket that processes of this server share. */
export interface SocketPlace {
  readonly path: string;
  /** Once it is there: nobody else connects. Who does before meets whoever asks for a proof of the server's secret. */
  restrict(): void;
}

/** In the folder; in a folder of its own where that is too deep for a socket. What an earlier process left there is removed. */
export function placeSocket(directory: string): SocketPlace {
  const wanted = join(directory, "processes.sock");
  const isFit = Buffer.byteLength(wanted) <= pathBytesMax;
  const path = isFit ? wanted : join(mkdtempSync(join(tmpdir(), "kakera-")), "processes.sock");
  rmSync(path, { force: true });
  return { path, restrict: () => chmodSync(path, ownerOnly) };
}
