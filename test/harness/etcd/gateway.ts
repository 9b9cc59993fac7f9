import { readFileSync } from "node:fs";
import { Agent, request } from "undici";
import type { ClientTls } from "./client-tls.ts";

const answerMsMax = 10_000;

export interface GatewayOptions {
  /** Logs in before each call; null: calls as nobody. */
  readonly login: EtcdLogin | null;
  /** Null: plain HTTP. */
  readonly tls: ClientTls | null;
}

export interface EtcdLogin {
  readonly user: string;
  readonly password: string;
}

/** etcd's answer was an error. */
export class EtcdRefusal extends Error {
  /** The code of gRPC: 8 is RESOURCE_EXHAUSTED. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Talks to etcd in JSON over HTTP, one connection for each call: for tests of the harness and what the harness itself asks. */
export class EtcdGateway {
  readonly #login: EtcdLogin | null;
  readonly #agent: Agent;

  constructor({ login, tls }: GatewayOptions) {
    this.#login = login;
    const connect = tls === null ? {} : { connect: readTls(tls) };
    // A kept connection would end with a member that is killed, and fail the call to the next one.
    this.#agent = new Agent({ pipelining: 0, ...connect });
  }

  /**
   * One call, as `call(endpoint, "kv/range", { key })`: bytes are in base64, 64-bit numbers are strings, as in the answer.
   * Throws EtcdRefusal for an error of etcd's; another error, when the connection breaks or ten seconds have passed.
   */
  async call<Answer = object>(endpoint: string, path: string, body: object): Promise<Answer> {
    if (this.#login === null) return await this.#post<Answer>(endpoint, path, { body, token: null });
    const { user, password } = this.#login;
    const { token } = await this.#post<{ token: string }>(endpoint, "auth/authenticate", {
      body: { name: user, password },
      token: null,
    });
    return await this.#post<Answer>(endpoint, path, { body, token });
  }

  /** The revision at which it stands. */
  async put(endpoint: string, key: string, value: string): Promise<number> {
    const body = { key: toBase64(key), value: toBase64(value) };
    const { header } = await this.call<{ header: { revision: string } }>(endpoint, "kv/put", body);
    return Number(header.revision);
  }

  /** By a linearizable read, as of `revision` if that is given; null: no such key. */
  async get(endpoint: string, key: string, revision = 0): Promise<string | null> {
    const body = { key: toBase64(key), revision: String(revision) };
    const { kvs } = await this.call<{ kvs?: { value?: string }[] }>(endpoint, "kv/range", body);
    const [found] = kvs ?? [];
    return found === undefined ? null : Buffer.from(found.value ?? "", "base64").toString();
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #post<Answer>(
    endpoint: string,
    path: string,
    { body, token }: { body: object; token: string | null },
  ): Promise<Answer> {
    const answer = await request(`${endpoint}/v3/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token === null ? {} : { authorization: token }) },
      body: JSON.stringify(body),
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(answerMsMax),
    });
    const text = await answer.body.text();
    if (answer.statusCode === 200) return JSON.parse(text) as Answer;
    throw refusalOf(text) ?? new Error(`etcd answered ${answer.statusCode}: ${text}`);
  }
}

/** Null: not an error of etcd's API. */
function refusalOf(text: string): EtcdRefusal | null {
  if (!text.startsWith("{")) return null;
  const { code, message, error } = JSON.parse(text) as { code?: number; message?: string; error?: string };
  return code === undefined ? null : new EtcdRefusal(code, message ?? error ?? text);
}

export function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function readTls({ caFile, clientCertificate }: ClientTls): { ca: Buffer; cert?: Buffer; key?: Buffer } {
  const ca = readFileSync(caFile);
  if (clientCertificate === null) return { ca };
  return { ca, cert: readFileSync(clientCertificate.certFile), key: readFileSync(clientCertificate.keyFile) };
}
