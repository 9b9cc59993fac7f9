import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { credentials as grpcCredentials, type ChannelCredentials } from "@grpc/grpc-js";
import type { Etcd3 } from "etcd3";
import { assert } from "@kakera/kernel";

export interface TlsMaterial {
  readonly rootCertificate: Buffer;
  readonly privateKey?: Buffer;
  readonly certChain?: Buffer;
}

/** Sent in the place of an address; an etcd has one certificate and does not care. */
const nameShown = "etcd";

/**
 * grpc-js shows the host of an endpoint as the TLS server name, and Node refuses that of an address (RFC 6066 allows names only). For
 * `https://10.0.0.7:2379` a name is shown in its place, and the certificate is checked against the address as ever. The library has no
 * option for it: its own credentials are replaced, in calls and in logging in.
 */
export function allowAddress(client: Etcd3, endpoint: string, tls: TlsMaterial | undefined): void {
  const { protocol, hostname } = new URL(endpoint);
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  if (protocol !== "https:" || isIP(address) === 0) return;
  const { pool } = client as unknown as {
    pool?: { hosts: { channelCredentials: ChannelCredentials }[]; authenticator: { credentials: ChannelCredentials } };
  };
  assert(pool?.hosts[0]?.channelCredentials !== undefined, "etcd3 keeps its credentials where they were");
  const base = grpcCredentials.createSsl(tls?.rootCertificate, tls?.privateKey, tls?.certChain, {
    checkServerIdentity: (_name, certificate) => checkServerIdentity(address, certificate),
  });
  const createConnector = base._createSecureConnector.bind(base);
  base._createSecureConnector = (target, options, calls) =>
    createConnector(target, { ...options, "grpc.ssl_target_name_override": nameShown }, calls);
  for (const host of pool.hosts) host.channelCredentials = base;
  pool.authenticator.credentials = base;
}
