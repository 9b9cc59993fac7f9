import type { TlsContext } from "@kakera/gateway";
import type { Clock, Logger } from "@kakera/kernel";
import type { NodeTls } from "@kakera/rpc";
import type { ServerSettings } from "../config/resolve-settings.ts";
import { keepCertificate } from "../drivers/certificates.ts";

/** What this node shows other nodes, and whom it believes; it may be replaced while the server runs. */
export interface NodeCertificate {
  readonly tls: NodeTls;
  readonly expiresMs: number;
  /** Called with every new one. */
  onRenewed(take: (tls: TlsContext) => void): void;
  reload(): void;
  stop(): void;
}

/** null: calls between nodes go without TLS. Throws CommandFailure when the folder cannot be used. */
export function keepNodeCertificate(
  { nodeCertsDir, nodeTls, etcd }: Pick<ServerSettings, "nodeCertsDir" | "nodeTls" | "etcd">,
  components: { readonly clock: Clock; readonly logger: Logger },
): NodeCertificate | null {
  if (nodeCertsDir === null || etcd.length === 0) return null;
  const takers: ((tls: TlsContext) => void)[] = [];
  const keeper = keepCertificate(
    { flag: "--node-certs-dir", directory: nodeCertsDir },
    {
      ...components,
      renewed: (tls) => {
        for (const take of takers) take(tls);
      },
    },
  );
  return {
    tls: { options: () => keeper.current.options, mode: nodeTls },
    get expiresMs() {
      return keeper.current.expiresMs;
    },
    onRenewed: (take) => void takers.push(take),
    reload: () => keeper.reload(),
    stop: () => keeper.stop(),
  };
}
