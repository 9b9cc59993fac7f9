import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { MINUTE_MS, type Clock } from "@kakera/kernel";
import { formatAmzDate } from "@kakera/s3";

export interface Signer {
  /** The head of a signed request, ready to be written. `payloadHash`: hex SHA-256, or UNSIGNED-PAYLOAD. */
  head(request: {
    method: string;
    target: string;
    contentLength: number | null;
    payloadHash: string;
    extra?: string;
  }): string;
}

export const emptyHash = createHash("sha256").digest("hex");

/** SigV4 with the signing key made once; the date is renewed every minute. */
export function createSigner(
  host: string,
  credentials: { readonly accessKey: string; readonly secretKey: string },
  clock: Pick<Clock, "nowMs">,
): Signer {
  let date = "";
  let madeAtMs = 0;
  let key: KeyObject | null = null;
  let scope = "";
  const renew = (): void => {
    const nowMs = Math.floor(clock.nowMs());
    if (nowMs - madeAtMs < MINUTE_MS) return;
    madeAtMs = nowMs;
    date = formatAmzDate(madeAtMs);
    scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`;
    let secret: Buffer = Buffer.from(`AWS4${credentials.secretKey}`);
    for (const part of scope.split("/")) secret = createHmac("sha256", secret).update(part).digest();
    key = createSecretKey(secret);
  };
  return {
    head({ method, target, contentLength, payloadHash, extra }) {
      renew();
      const [path = "", query = ""] = target.split("?", 2);
      const canonical = `${method}\n${path}\n${query}\nhost:${host}\nx-amz-content-sha256:${payloadHash}\nx-amz-date:${date}\n\nhost;x-amz-content-sha256;x-amz-date\n${payloadHash}`;
      const hash = createHash("sha256").update(canonical).digest("hex");
      const signature = createHmac("sha256", key as KeyObject)
        .update(`AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash}`)
        .digest("hex");
      return (
        `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Amz-Date: ${date}\r\nX-Amz-Content-Sha256: ${payloadHash}\r\n` +
        `Authorization: AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}\r\n` +
        (contentLength === null ? "" : `Content-Length: ${contentLength}\r\n`) +
        (extra ?? "") +
        "\r\n"
      );
    },
  };
}
