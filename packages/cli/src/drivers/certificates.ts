import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Names of certificate and key within a folder: MinIO's, then Kubernetes'. */
const pairs = [
  { certificate: "public.crt", privateKey: "private.key" },
  { certificate: "tls.crt", privateKey: "tls.key" },
] as const;

export interface CertificateFiles {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  /** Changes when either file does; links are followed. */
  readonly stamp: string;
}

/** The pair in a certificates folder. Throws when there is none or it cannot be read. */
export function readCertificateFiles(directory: string): CertificateFiles {
  const pair = pairs.find(({ certificate }) => existsSync(join(directory, certificate)));
  if (pair === undefined) throw new Error(`${directory} holds neither public.crt and private.key nor tls.crt and tls.key`);
  const paths = [join(directory, pair.certificate), join(directory, pair.privateKey)] as const;
  const stamp = paths.map((path) => `${statSync(path).mtimeMs}/${statSync(path).ino}`).join(" ");
  return { certificate: readFileSync(paths[0]), privateKey: readFileSync(paths[1]), stamp };
}
