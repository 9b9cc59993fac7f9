import { openConnection, type Connection, type Expected, type Reply } from "@kakera/load";
import type { Framing, Unframed } from "./framing.ts";
import { createSigner, type Credentials, type Signer } from "./signature.ts";

/** One client library of Milvus': its framing over connections that it keeps. */
export interface Stack {
  /** Rejects when the connection breaks; every answer is a reply. */
  send(request: Unframed, expected?: Expected): Promise<Reply>;
  /** Ends the connections that wait for work. */
  rest(): void;
}

/** As many connections as there are requests at a time. `endpoint` is http. */
export function createStack(endpoint: string, credentials: Credentials, framing: Framing): Stack {
  const { hostname, port, host } = new URL(endpoint);
  const signer: Signer = createSigner(host, credentials);
  const idle: Connection[] = [];
  const take = async (): Promise<Connection> => {
    for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) if (kept.isOpen) return kept;
    return openConnection(hostname, Number(port === "" ? 80 : port));
  };
  return {
    async send(request, expected = { keepBody: true }) {
      const { head, body, sendBody } = framing(request, signer);
      const connection = await take();
      const isHead = request.method === "HEAD";
      const reply = await connection.request(head, body, isHead ? { hasNoBody: true } : expected, sendBody);
      if (connection.isOpen) idle.push(connection);
      return reply;
    },
    rest() {
      for (const connection of idle.splice(0)) connection.close();
    },
  };
}

/** Null: the answer has no such header. */
export function fieldOf(reply: Pick<Reply, "fields">, name: string): string | null {
  for (const line of reply.fields.split("\r\n")) {
    const colon = line.indexOf(":");
    if (line.slice(0, colon).toLowerCase() === name.toLowerCase()) return line.slice(colon + 1).trim();
  }
  return null;
}
