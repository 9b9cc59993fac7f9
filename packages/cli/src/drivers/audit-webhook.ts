import { SECOND_MS } from "@kakera/kernel";
import { Agent, request } from "undici";
import type { LineTarget } from "../delivery/line-target.ts";

const answerMsMax = 10 * SECOND_MS;
const answerBytesMax = 64 * 1024;

/**
 * Posts lines of JSON to an endpoint: one record by itself, several that have come meanwhile as one a line. `token`: sent as it is when it names its
 * scheme ("Splunk ..."), else as a bearer's. Anything but 2xx is a failure.
 */
export function openAuditWebhook(endpoint: URL, token: string | null): LineTarget {
  const agent = new Agent({ connections: 1, pipelining: 1, connect: { timeout: answerMsMax } });
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token !== null) headers["authorization"] = token.includes(" ") ? token : `Bearer ${token}`;
  return {
    name: "webhook",
    async send(lines) {
      const answer = await request(endpoint, {
        method: "POST",
        dispatcher: agent,
        headers,
        body: lines.join("\n"),
        headersTimeout: answerMsMax,
        bodyTimeout: answerMsMax,
      });
      await answer.body.dump({ limit: answerBytesMax });
      if (answer.statusCode < 200 || answer.statusCode > 299)
        throw new Error(`the audit endpoint answers ${answer.statusCode}`);
    },
    reopen: () => {},
    close: () => agent.destroy(),
  };
}
