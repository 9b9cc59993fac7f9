import { runWell } from "../run.ts";
import type { ClientTls } from "./client-tls.ts";
import type { EtcdLogin } from "./gateway.ts";

export interface EtcdctlAccess {
  readonly endpoint: string;
  readonly login: EtcdLogin | null;
  readonly tls: ClientTls | null;
}

/** Runs etcdctl or etcdutl to its end; rejects with what it printed unless it exits 0. */
export async function runEtcdctl(
  program: string,
  args: readonly string[],
  access: EtcdctlAccess | null = null,
): Promise<void> {
  // Debian's speaks version 2 of the API unless it is told.
  await runWell(program, [...(access === null ? [] : accessArgs(access)), ...args], { env: { ETCDCTL_API: "3" } });
}

function accessArgs({ endpoint, login, tls }: EtcdctlAccess): string[] {
  const certificate = tls?.clientCertificate ?? null;
  return [
    `--endpoints=${endpoint}`,
    ...(login === null ? [] : [`--user=${login.user}:${login.password}`]),
    ...(tls === null ? [] : [`--cacert=${tls.caFile}`]),
    ...(certificate === null ? [] : [`--cert=${certificate.certFile}`, `--key=${certificate.keyFile}`]),
  ];
}
