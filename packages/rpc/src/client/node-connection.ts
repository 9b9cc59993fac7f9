import type { ByteSink } from "../wire/byte-sink.ts";

/** One connection to a node, for one exchange at a time. */
export interface NodeConnection {
  /** Whether another exchange may follow. */
  readonly isUsable: boolean;
  /** Whether an exchange was made on it before: the node may have closed it meanwhile. */
  readonly isReused: boolean;
  /**
   * Posts the pieces, one after another, and gives the body of a 200 to `sink` as it comes; resolves to the status. Rejects with
   * {@link ConnectionLost}, or with what `sink` throws; the connection is destroyed then.
   */
  exchange(
    path: string,
    pieces: readonly Uint8Array[],
    sink: ByteSink,
    /** A header, for traces only: it is not sealed. */
    traceparent?: string | null,
  ): Promise<number>;
  destroy(): void;
  /** Resolves when it is closed, and the system does not look at what was to be sent any more. */
  readonly closed: Promise<void>;
}

/** A connection ended in the midst of an exchange, or could not be had. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/** The two ends do not agree on TLS: the message says who lacks what. */
export class TlsRefused extends ConnectionLost {}

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
  /** Of a socket of this machine, which is connected to instead; host and port are its name for people then. */
  readonly path?: string;
}

/** Opens connections; rejects with ConnectionLost. */
export type Connect = () => Promise<NodeConnection>;
