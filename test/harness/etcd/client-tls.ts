import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../certificate.ts";

/** `server`: clients check the server's certificate. `mutual`: the server asks for the client's as well. */
export type TlsKind = "server" | "mutual";

/** What a client needs: paths of PEM files. */
export interface ClientTls {
  readonly caFile: string;
  /** Null: the server asks for none. */
  readonly clientCertificate: { readonly certFile: string; readonly keyFile: string } | null;
}

/** What the members are told: paths of PEM files. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Whose certificates clients have to show; null: anybody is let in. */
  readonly trustedCaFile: string | null;
}

export interface TlsFiles {
  readonly client: ClientTls;
  readonly server: ServerTls;
}

/** Makes the certificates for 127.0.0.1 in `directory`. */
export function makeTlsFiles(directory: string, kind: TlsKind): TlsFiles {
  // Without common names: etcd takes a client's for a user's, and its HTTP gateway, itself a client, then refuses every call.
  const serverCerts = makeCertificate(join(directory, "server"), "/O=server");
  const server = { certFile: join(serverCerts, "public.crt"), keyFile: join(serverCerts, "private.key") };
  if (kind === "server")
    return {
      client: { caFile: server.certFile, clientCertificate: null },
      server: { ...server, trustedCaFile: null },
    };
  const clientCerts = makeCertificate(join(directory, "client"), "/O=client");
  const client = { certFile: join(clientCerts, "public.crt"), keyFile: join(clientCerts, "private.key") };
  const trustedCaFile = join(directory, "trusted.crt");
  // The server's own as well: its HTTP gateway is a client of it, and shows the server's certificate.
  writeFileSync(trustedCaFile, readFileSync(client.certFile, "utf8") + readFileSync(server.certFile, "utf8"));
  return {
    client: { caFile: server.certFile, clientCertificate: client },
    server: { ...server, trustedCaFile },
  };
}
