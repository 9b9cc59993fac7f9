import { Agent, request } from "undici";
import { CommandFailure } from "../command-failure.ts";
import type { Credentials } from "../config/credentials.ts";
import { exitCodes } from "../exit-codes.ts";
import type { LiveSettings } from "./live-settings.ts";
import { signRequest } from "./sign-request.ts";

export interface ServerAnswer {
  readonly status: number;
  readonly text: string;
}

/** Talks to a running server. Rejects with CommandFailure (unreachable) when it does not answer in time. */
export interface ServerClient {
  /** Without a signature: health and metrics. */
  getPlain(path: string, headers?: Readonly<Record<string, string>>): Promise<ServerAnswer>;
  /** Signed. `path` begins with "/"; `body` is sent as it is. */
  send(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: string): Promise<ServerAnswer>;
  /** Calls that are under way reject. */
  close(): Promise<void>;
}

export interface ClientComponents {
  readonly nowMs: () => number;
  /** null: nothing can be signed. */
  readonly credentials: Credentials | null;
}

const region = "us-east-1";

export function createServerClient(settings: LiveSettings, components: ClientComponents): ServerClient {
  const agent = new Agent({
    connect: {
      timeout: settings.timeoutMs,
      rejectUnauthorized: settings.isCertificateChecked,
      ...(settings.authority === null ? {} : { ca: settings.authority }),
    },
    headersTimeout: settings.timeoutMs,
    bodyTimeout: settings.timeoutMs,
  });
  const call = async (method: string, url: URL, options: { headers: Record<string, string>; body?: string }) => {
    try {
      const answer = await request(url, { method: method as "GET", dispatcher: agent, ...options });
      return { status: answer.statusCode, text: await answer.body.text() };
    } catch (cause) {
      throw new CommandFailure(
        "SERVER_UNREACHABLE",
        `${settings.endpoint.origin} does not answer: ${causeText(cause)}`,
        {
          exitCode: exitCodes.unreachable,
          remedy: "kakera doctor, or --endpoint URL",
          cause,
        },
      );
    }
  };
  return {
    getPlain: (path, headers = {}) => call("GET", new URL(path, settings.endpoint), { headers: { ...headers } }),
    send(method, path, body = "") {
      const url = new URL(path, settings.endpoint);
      const { credentials } = components;
      if (credentials === null) throw new TypeError("a signed call needs credentials");
      const headers = signRequest({ method, url, body }, { credentials, region, nowMs: components.nowMs() });
      return call(method, url, { headers, ...(body === "" ? {} : { body }) });
    },
    // A call that nobody waits for any more does not keep the command.
    close: () => agent.destroy(),
  };
}

function causeText(cause: unknown): string {
  const error = cause as Error & { code?: string };
  return error.code === undefined || error.message.includes(error.code)
    ? error.message
    : `${error.code} ${error.message}`.trim();
}
