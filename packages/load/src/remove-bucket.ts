import { openConnection } from "./drivers/connection.ts";
import { RequestRefused } from "./request-refused.ts";
import type { LoadParts } from "./run-load.ts";
import { createSigner, emptyHash } from "./signer.ts";

const connectionCount = 16;

/** Deletes every object that a load has put into the bucket, and the bucket. Throws what the server answered when it refuses. */
export async function removeBucket({ target, clock }: LoadParts, bucket: string): Promise<void> {
  const { host, port, tls = null } = target;
  const signer = createSigner(`${host}:${port}`, target, clock);
  const send = async (method: "GET" | "DELETE", path: string, okStatus: number): Promise<string> => {
    const connection = await openConnection(host, port, tls);
    try {
      const head = signer.head({ method, target: path, contentLength: null, payloadHash: emptyHash });
      const reply = await connection.request(head, null, { keepBody: true });
      if (reply.status !== okStatus) throw new RequestRefused(`${method} ${path}`, reply);
      return reply.body?.toString() ?? "";
    } finally {
      connection.close();
    }
  };
  for (;;) {
    const page = await send("GET", `/${bucket}?list-type=2&max-keys=1000`, 200);
    // Keys of a load need no decoding: letters, digits, "-" and "/".
    const keys = [...page.matchAll(/<Key>([^<]+)<\/Key>/g)].map((match) => match[1] as string);
    if (keys.length === 0) break;
    const remove = async (): Promise<void> => {
      const connection = await openConnection(host, port, tls);
      try {
        for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
          const path = `/${bucket}/${key}`;
          const head = signer.head({ method: "DELETE", target: path, contentLength: null, payloadHash: emptyHash });
          const reply = await connection.request(head, null, { keepBody: true });
          if (reply.status !== 204) throw new RequestRefused(`DELETE ${path}`, reply);
        }
      } finally {
        connection.close();
      }
    };
    await Promise.all(Array.from({ length: connectionCount }, remove));
  }
  await send("DELETE", `/${bucket}`, 204);
}
