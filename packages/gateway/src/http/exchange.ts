import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@kakera/kernel";
import type { AnswerBurst } from "./answer-burst.ts";
import type { Origin } from "./beside-pages.ts";
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
  readonly origin: Origin;
  readonly client: ClientPresence;
  readonly answers: AnswerBurst;
  /** The process is going away: every answer ends its connection. */
  readonly isDraining: () => boolean;
  /** Body bytes handed to the socket so far. */
  sentBytes: number;
  /** Head of the answer: names and values in turn. null: none was made yet. */
  head: { readonly headers: readonly string[]; readonly atMs: number } | null;
}

/** Whether the client still waits for its answer. The signal is made when it is first asked for: most requests are over before. */
export class ClientPresence {
  #controller: AbortController | null = null;
  #isGone = false;

  /** Aborts with {@link ClientGone} when the connection closes before the answer was handed over whole. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#isGone) this.#abort();
    }
    return this.#controller.signal;
  }

  /** The connection is closed; the answer was not handed over whole. */
  leave(): void {
    this.#isGone = true;
    this.#abort();
  }

  #abort(): void {
    this.#controller?.abort(new ClientGone("the client closed the connection"));
  }
}
