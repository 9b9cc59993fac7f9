import { testCredentials, type TestServer } from "../harness/server.ts";
import { emptySha256, signHeaders } from "../harness/sign.ts";

interface Head {
  readonly method: string;
  readonly target: string;
  /** Of the body that is announced; none without it. */
  readonly sizeBytes?: number;
  /** Whether the body waits for a 100. */
  readonly expects?: boolean;
}

/** A signed head alone, for tests that send and read by hand. */
export function createRequestHead(
  server: Pick<TestServer, "port">,
  { method, target, sizeBytes, expects }: Head,
): string {
  const { headers } = signHeaders(
    {
      method,
      target,
      headers: {
        host: `127.0.0.1:${server.port}`,
        "x-amz-content-sha256": sizeBytes === undefined ? emptySha256 : "UNSIGNED-PAYLOAD",
        ...(sizeBytes === undefined ? {} : { "content-length": String(sizeBytes) }),
      },
    },
    testCredentials,
  );
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}${expects === true ? "Expect: 100-continue\r\n" : ""}\r\n`;
}
