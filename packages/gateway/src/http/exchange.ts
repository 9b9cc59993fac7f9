import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@kakera/kernel";
import { ClientGone, type IncomingBytes } from "./incoming-bytes.ts";

/** One request and its answer, as the rim sees them. Never leaves http/. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly incoming: IncomingBytes;
  readonly clock: Clock;
  /** x-amz-request-id, and RequestId in errors. */
  readonly requestId: string;
  /** x-amz-id-2, and HostId in errors: names this process, tells nothing else. */
  readonly hostId: string;
  /** The client waits for "100 Continue" before it sends its body. */
  readonly isExpecting: boolean;
  /** Aborted when the client goes away before it has its answer. */
  readonly signal: AbortSignal;
  /** The process is going away: every answer ends its connection. */
  readonly isDraining: () => boolean;
  /** Body bytes handed to the socket so far. */
  sentBytes: number;
}

/** Aborts with {@link ClientGone} when the connection closes before the answer was handed over whole. */
export function signalOfClient(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) controller.abort(new ClientGone("the client closed the connection"));
  });
  return controller.signal;
}
