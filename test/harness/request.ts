import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { signHeaders, sha256Hex, type Credentials } from "./sign.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface S3Request {
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** A small S3 client over node:http for tests: signs, sends, collects. */
export interface S3Client {
  send(request: S3Request): Promise<Answer>;
  close(): void;
}

export function createS3Client(
  endpoint: string,
  credentials: Credentials,
  options: { connections?: number } = {},
): S3Client {
  const { hostname, port, host } = new URL(endpoint);
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections ?? 64 });
  return {
    send(request) {
      const body = Buffer.from(request.body ?? "");
      const signed = signHeaders(
        {
          method: request.method,
          target: request.target,
          headers: { host, "x-amz-content-sha256": sha256Hex(body), ...request.headers },
        },
        credentials,
      );
      const headers: Record<string, string> = { ...signed.headers };
      if (body.byteLength > 0 || request.method === "PUT" || request.method === "POST")
        headers["content-length"] = String(body.byteLength);
      return sendRaw(
        { hostname, port: Number(port), agent, method: request.method, path: request.target, headers },
        body,
      );
    },
    close: () => agent.destroy(),
  };
}

interface RawRequest {
  readonly hostname: string;
  readonly port: number;
  readonly agent?: Agent;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
}

/** Sends exactly these headers and body. Rejects when the connection breaks before the answer is whole. */
export function sendRaw(options: RawRequest, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...options, setHost: false }, (response) => {
      const slices: Buffer[] = [];
      response.on("data", (slice: Buffer) => slices.push(slice));
      response.on("error", reject);
      response.on("close", () => {
        if (!response.complete) reject(new Error("the answer was cut off"));
      });
      response.on("end", () =>
        resolve({ status: response.statusCode as number, headers: response.headers, body: Buffer.concat(slices) }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}
