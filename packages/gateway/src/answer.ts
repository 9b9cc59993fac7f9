import type { BodySink, BytesAtHand } from "./bodies.ts";

/** Names and values in turn: name, value, name, value. Values are latin1 (one character, one byte). */
export type HeaderList = readonly string[];

/**
 * What an operation answers: plain data, sent by http/send-response.
 * - `whole`: everything is at hand.
 * - `stream`: `send` writes exactly `lengthBytes`; the head goes out with the first of them, so that a failure before it
 *   is still answered with its own status; a later one destroys the connection.
 * - `slow`: `work` may take longer than clients wait in silence. If it does, 200 and white space go out early, and what
 *   `work` brings (or an Error root) ends the body.
 */
export type Answer =
  | {
      readonly kind: "whole";
      readonly status: number;
      readonly headers: HeaderList;
      /** A string is text, sent as UTF-8. */
      readonly body: string | Uint8Array | BytesAtHand | null;
    }
  | {
      readonly kind: "stream";
      readonly status: number;
      readonly headers: HeaderList;
      readonly lengthBytes: number;
      readonly send: (sink: BodySink, signal: AbortSignal) => Promise<void>;
    }
  | { readonly kind: "slow"; readonly headers: HeaderList; readonly work: () => Promise<SlowResult> };

interface SlowResult {
  /** A whole XML document. */
  readonly body: string;
  /** Known only at the end: sent when the head has not gone out yet. */
  readonly headers: HeaderList;
}

export function emptyAnswer(status: number, headers: HeaderList = []): Answer {
  return { kind: "whole", status, headers, body: null };
}

export function xmlAnswer(body: string, headers: HeaderList = []): Answer {
  return { kind: "whole", status: 200, headers: ["Content-Type", "application/xml", ...headers], body };
}

export function textAnswer(status: number, body: string, headers: HeaderList = []): Answer {
  return { kind: "whole", status, headers: ["Content-Type", "text/plain; charset=utf-8", ...headers], body };
}

export function jsonAnswer(status: number, body: unknown, headers: HeaderList = []): Answer {
  return {
    kind: "whole",
    status,
    headers: ["Content-Type", "application/json", ...headers],
    body: JSON.stringify(body),
  };
}
