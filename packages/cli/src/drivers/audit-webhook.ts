import type { LineTarget } from "../delivery/line-target.ts";
import { openPoster } from "./open-poster.ts";

/**
 * Posts lines of JSON to an endpoint: one record by itself, several that have come meanwhile as one a line. `token`: sent as it is when it names its
 * scheme ("Splunk ..."), else as a bearer's. Anything but 2xx is a failure.
 */
export function openAuditWebhook(endpoint: URL, token: string | null): LineTarget {
  const poster = openPoster(endpoint);
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token !== null) headers["authorization"] = token.includes(" ") ? token : `Bearer ${token}`;
  return {
    name: "webhook",
    async send(lines) {
      const status = await poster.post(headers, lines.join("\n"));
      if (status < 200 || status > 299) throw new Error(`the audit endpoint answers ${status}`);
    },
    reopen: () => {},
    close: () => poster.close(),
  };
}
