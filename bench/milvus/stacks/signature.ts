import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

interface ToSign {
  readonly method: string;
  /** Path and query as sent; query names without a value have their "=". */
  readonly target: string;
  /** Lower-case names, `host` and `x-amz-date` excepted: the signer has them. */
  readonly signed: Readonly<Record<string, string>>;
  readonly payloadHash: string;
  /** Between the three parts of the Authorization header. */
  readonly separator: "," | ", ";
}

export interface Signed {
  readonly amzDate: string;
  readonly authorization: string;
  readonly signature: string;
  /** Of the next chunk, over the signature before it. */
  chunkSignature(previous: string, chunkSha256Hex: string): string;
}

export interface Signer {
  readonly host: string;
  sign(request: ToSign): Signed;
}

export const emptySha256Hex = createHash("sha256").digest("hex");

/** SigV4 with the day's key made once; the clients' default region, as Milvus' configuration leaves it. */
export function createSigner(host: string, { accessKey, secretKey }: Credentials, region = "us-east-1"): Signer {
  let [day, key]: [string, KeyObject | null] = ["", null];
  const keyOf = (today: string): KeyObject => {
    if (key !== null && day === today) return key;
    let secret: Buffer = Buffer.from(`AWS4${secretKey}`);
    for (const part of [today, region, "s3", "aws4_request"])
      secret = createHmac("sha256", secret).update(part).digest();
    [day, key] = [today, createSecretKey(secret)];
    return key;
  };
  return {
    host,
    sign({ method, target, signed, payloadHash, separator }) {
      const amzDate = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
      const scope = `${amzDate.slice(0, 8)}/${region}/s3/aws4_request`;
      const dayKey = keyOf(amzDate.slice(0, 8));
      const mac = (text: string): string => createHmac("sha256", dayKey).update(text).digest("hex");
      const headers: Record<string, string> = {
        ...signed,
        host,
        "x-amz-content-sha256": payloadHash,
        "x-amz-date": amzDate,
      };
      const names = Object.keys(headers).sort();
      const [path = "", query = ""] = target.split(/\?(.*)/s);
      const lines = names.map((name) => `${name}:${headers[name]}\n`).join("");
      const canonical = `${method}\n${path}\n${query.split("&").sort().join("&")}\n${lines}\n${names.join(";")}\n${payloadHash}`;
      const signature = mac(
        `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${createHash("sha256").update(canonical).digest("hex")}`,
      );
      const parts = [`Credential=${accessKey}/${scope}`, `SignedHeaders=${names.join(";")}`, `Signature=${signature}`];
      return {
        amzDate,
        authorization: `AWS4-HMAC-SHA256 ${parts.join(separator)}`,
        signature,
        chunkSignature: (previous, chunkSha256Hex) =>
          mac(`AWS4-HMAC-SHA256-PAYLOAD\n${amzDate}\n${scope}\n${previous}\n${emptySha256Hex}\n${chunkSha256Hex}`),
      };
    },
  };
}
