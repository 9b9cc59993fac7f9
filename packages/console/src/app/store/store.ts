import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { HttpAnswer, HttpRequest, Transport } from "../drivers/transport.ts";
import { emptyDigest, presignUrl, signRequest } from "../signing/sign-request.ts";
import type { SessionKeys } from "../signing/signing-keys.ts";
import { judged } from "./store-failure.ts";

export interface Call {
  readonly method: string;
  /** Percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface BlobCall extends Omit<Call, "body"> {
  readonly body: Blob;
  /** SHA-256 in hexadecimal. */
  readonly bodyDigest: string;
}

export interface StoreParts {
  readonly transport: Transport;
  readonly keys: SessionKeys;
  /** The server's time. */
  readonly nowMs: () => number;
  /** As the browser sends it: `host:9001`. */
  readonly host: string;
}

/** The server as a signed-in session reaches it. Calls reject with StoreFailure, SessionExpired, or what the transport throws. */
export class Store {
  readonly #parts: StoreParts;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  async send(call: Call, signal?: AbortSignal): Promise<HttpAnswer> {
    return judged(await this.#parts.transport.send(this.#signed(call), signal));
  }

  /** A report of the administration. `path` begins behind its prefix. */
  async report<Report>(call: Call, signal?: AbortSignal): Promise<Report> {
    const answer = await this.send({ ...call, path: `/kakera/admin/v1${call.path}` }, signal);
    return JSON.parse(answer.text) as Report;
  }

  async bytes(call: Call, sizeBytesMax: number): Promise<Uint8Array> {
    return judged(await this.#parts.transport.fetchBytes(this.#signed(call), sizeBytesMax)).bytes;
  }

  async upload(call: BlobCall, onSent: (sentBytes: number) => void, signal: AbortSignal): Promise<HttpAnswer> {
    const { headers, target } = this.#sign(call, call.bodyDigest);
    const request = { method: call.method, target, headers, body: call.body };
    return judged(await this.#parts.transport.upload(request, onSent, signal));
  }

  /** A link to an object. `endpoint`: where it leads. */
  link(wanted: {
    readonly endpoint: string;
    readonly path: string;
    readonly query: Readonly<Record<string, string>>;
    readonly expiresSeconds: number;
  }): string {
    return presignUrl(wanted, this.#parts.keys, this.#parts.nowMs());
  }

  #signed(call: Call): HttpRequest {
    const { body } = call;
    const digest = body === undefined ? emptyDigest : bytesToHex(sha256(utf8ToBytes(body)));
    const { headers, target } = this.#sign(call, digest);
    return { method: call.method, target, headers, ...(body === undefined ? {} : { body }) };
  }

  #sign({ method, path, query = {}, headers = {} }: Omit<Call, "body">, bodyDigest: string) {
    const { host, keys, nowMs } = this.#parts;
    return signRequest({ method, host, path, query, headers, bodyDigest }, keys, nowMs());
  }
}
