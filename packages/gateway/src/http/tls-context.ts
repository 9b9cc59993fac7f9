import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";

/** Bytes of PEM files, as the composition read them from the certificates folder. */
export interface TlsMaterial {
  /** public.crt or tls.crt: the leaf first, then the chain. */
  readonly certificate: Buffer;
  /** private.key or tls.key. */
  readonly privateKey: Buffer;
}

export interface TlsContext {
  /** For `https.createServer` and `server.setSecureContext`. */
  readonly options: SecureContextOptions;
  /** When the leaf certificate ends, milliseconds since the epoch: status warns with CERT_EXPIRY. */
  readonly expiresMs: number;
  readonly names: string;
}

/** File names looked for in a certificates folder, in this order: MinIO's and Kubernetes'. */
export const tlsFileNames = [
  { certificate: "public.crt", privateKey: "private.key" },
  { certificate: "tls.crt", privateKey: "tls.key" },
] as const;

/**
 * Checks that certificate and key can be used and belong together before a running listener is given them: half of a
 * replaced pair must not take a server down. Throws TypeError with what is wrong.
 */
export function createTlsContext(material: TlsMaterial): TlsContext {
  const leaf = parse("certificate", () => new X509Certificate(material.certificate));
  const privateKey = parse("private key", () => createPrivateKey(material.privateKey));
  if (!leaf.checkPrivateKey(privateKey)) throw new TypeError("the private key does not belong to the certificate");
  const options: SecureContextOptions = {
    cert: material.certificate,
    key: material.privateKey,
    minVersion: "TLSv1.2",
    honorCipherOrder: true,
  };
  parse("certificate chain", () => createSecureContext(options));
  return { options, expiresMs: leaf.validToDate.getTime(), names: leaf.subjectAltName ?? leaf.subject };
}

function parse<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new TypeError(`the ${what} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
