import type { Payload } from "../content.ts";
import type { SendBody } from "@kakera/load";
import type { Signer } from "./signature.ts";

/** A request before a stack gives it its form. */
export interface Unframed {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Path and query; names without a value have their "=". */
  readonly target: string;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: Payload;
}

/** A request as it goes over the wire. */
export interface Framed {
  readonly head: string;
  readonly body: readonly Buffer[] | null;
  readonly sendBody: SendBody;
}

/** How one client library signs requests and frames bodies over plain http. */
export type Framing = (request: Unframed, signer: Signer) => Framed;

export function headText(request: Unframed, fields: readonly (readonly [string, string])[]): string {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `${request.method} ${request.target} HTTP/1.1\r\n${lines}\r\n`;
}
