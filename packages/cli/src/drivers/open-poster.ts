import { SECOND_MS } from "@kakera/kernel";
import type { Agent } from "undici";

const answerMsMax = 10 * SECOND_MS;
const answerBytesMax = 64 * 1024;

/** Posts to one endpoint, over one connection. */
export interface Poster {
  /** The status that it answered. Rejects when it did not within ten seconds. */
  post(headers: Readonly<Record<string, string>>, body: string): Promise<number>;
  close(): Promise<void>;
}

/** The client is loaded by the first post: few servers have anything to post. */
export function openPoster(endpoint: URL): Poster {
  let agent: Agent | null = null;
  return {
    async post(headers, body) {
      const undici = await import("undici");
      agent ??= new undici.Agent({ connections: 1, pipelining: 1, connect: { timeout: answerMsMax } });
      const answer = await undici.request(endpoint, {
        method: "POST",
        dispatcher: agent,
        headers: { ...headers },
        body,
        headersTimeout: answerMsMax,
        bodyTimeout: answerMsMax,
      });
      await answer.body.dump({ limit: answerBytesMax });
      return answer.statusCode;
    },
    close: async () => agent?.destroy(),
  };
}
