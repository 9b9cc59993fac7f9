import { Pool } from "undici";
import { presign, type Credentials } from "../harness/sign.ts";

export interface Answer {
  readonly status: number;
  /** Bare; null where there is none. */
  readonly etag: string | null;
  readonly body: Buffer;
}

/** Why there is no answer. After `unsent` the gateway has certainly not seen the request. */
export type Silence = "unsent" | "cut";

export interface Call {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  /** Path and query. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/**
 * Sends each request once, and costs little: a URL is signed once, whatever body or condition goes with it. One connection for each request
 * under way.
 */
export class PresignedGateway {
  readonly #host: string;
  readonly #pool: Pool;
  readonly #credentials: Credentials;
  readonly #signed = new Map<string, string>();

  constructor(endpoint: string, of: { readonly credentials: Credentials; readonly patienceMs: number }) {
    this.#host = new URL(endpoint).host;
    this.#credentials = of.credentials;
    this.#pool = new Pool(endpoint, {
      connections: 64,
      connectTimeout: of.patienceMs,
      headersTimeout: of.patienceMs,
      bodyTimeout: of.patienceMs,
    });
  }

  async send(call: Call): Promise<Answer | Silence> {
    try {
      const { method, headers, body } = call;
      const path = this.#sign(method, call.target);
      const answer = await this.#pool.request({ method, path, headers: headers ?? {}, body: body ?? null });
      const etag = answer.headers["etag"];
      return {
        status: answer.statusCode,
        etag: typeof etag === "string" ? etag.replaceAll('"', "") : null,
        body: Buffer.from(await answer.body.arrayBuffer()),
      };
    } catch (failure) {
      const { code } = failure as { code?: string };
      return code === "ECONNREFUSED" || code === "UND_ERR_CONNECT_TIMEOUT" ? "unsent" : "cut";
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #sign(method: string, target: string): string {
    const name = `${method} ${target}`;
    let signed = this.#signed.get(name);
    if (signed === undefined) {
      signed = presign({ method, target, host: this.#host }, this.#credentials, { expiresSeconds: 3_600 });
      this.#signed.set(name, signed);
    }
    return signed;
  }
}
