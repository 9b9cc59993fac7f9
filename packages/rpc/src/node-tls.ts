import type { TlsOptions } from "./client/drivers/http-connection.ts";

/** How a node's port and its calls are kept from who listens on the network, and from who has no certificate of the cluster. */
export interface NodeTls {
  /** Certificate, key and authorities (`ca`) as they are now: asked for each time, as they are replaced while the node runs. */
  readonly options: () => TlsOptions;
  /** `prefer`: calls of nodes that have no certificate yet are taken too, for as long as a roll-out lasts. */
  readonly mode: NodeTlsMode;
}

export type NodeTlsMode = "require" | "prefer";

/** TLS, and nothing below 1.2, with a certificate asked of the peer. */
export const tlsVersionMin = "TLSv1.2";

/**
 * Statuses of answers that are not sealed, to who was refused for how it came: `plainRefused` speaks no TLS, `certificateRefused` has no certificate of
 * the cluster's authorities.
 */
export const tlsStatus = { plainRefused: 426, certificateRefused: 403 } as const;
