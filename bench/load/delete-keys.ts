import { createHash } from "node:crypto";
import type { Connection } from "@kakera/load";
import type { Signer } from "./signer.ts";
import { voidUnless } from "./verdict.ts";

/** One DeleteObjects of these keys, which need no escaping. Void unless each is named as deleted, and nothing else is. */
export async function deleteKeys(
  connection: Connection,
  signer: Signer,
  asked: { readonly bucket: string; readonly keys: readonly string[] },
): Promise<void> {
  const objects = asked.keys.map((key) => `<Object><Key>${key}</Key></Object>`).join("");
  const body = Buffer.from(`<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${objects}</Delete>`);
  const head = signer.head({
    method: "POST",
    target: `/${asked.bucket}?delete=`,
    contentLength: body.byteLength,
    payloadHash: createHash("sha256").update(body).digest("hex"),
    extra: `Content-MD5: ${createHash("md5").update(body).digest("base64")}\r\n`,
  });
  const reply = await connection.request(head, body, { keepBody: true });
  const xml = reply.body?.toString("latin1") ?? "";
  voidUnless(reply.status === 200 && !xml.includes("<Error>"), `DeleteObjects: ${reply.status} ${xml.slice(0, 500)}`);
  const deleted = Array.from(xml.matchAll(/<Deleted><Key>([^<]*)</g), ([, key]) => key);
  const isEach = deleted.length === asked.keys.length && asked.keys.every((key, at) => key === deleted[at]);
  voidUnless(isEach, "DeleteObjects names each key as deleted");
}
