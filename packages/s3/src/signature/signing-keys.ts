import { createHmac } from "node:crypto";
import type { CredentialScope } from "./credential-scope.ts";
import { SigningKey } from "./signing-key.ts";

interface CachedKey {
  readonly secret: string;
  readonly key: SigningKey;
}

/**
 * Signing keys by access key, day and region. Only keys that verified a signature are kept, so that nobody without a secret can push out those in use.
 */
export class SigningKeys {
  readonly #keys = new Map<string, CachedKey>();
  readonly #countMax: number;

  constructor(countMax = 1_000) {
    this.#countMax = countMax;
  }

  /** The key for this scope; derived when it is not cached, or was cached for another secret. */
  find(credential: CredentialScope, secret: string): SigningKey {
    const cached = this.#keys.get(credential.text);
    return cached !== undefined && cached.secret === secret ? cached.key : deriveSigningKey(credential, secret);
  }

  /** Call with a key from {@link find} that has verified a signature. */
  keep(credential: CredentialScope, secret: string, key: SigningKey): void {
    const name = credential.text;
    if (this.#keys.get(name)?.key === key) return;
    if (this.#keys.size >= this.#countMax) this.#keys.delete(this.#keys.keys().next().value!);
    this.#keys.set(name, { secret, key });
  }
}

/** AWS Signature Version 4, task 3. */
export function deriveSigningKey(credential: CredentialScope, secret: string): SigningKey {
  const day = hmac(Buffer.from(`AWS4${secret}`, "utf8"), credential.day);
  const region = hmac(day, credential.region);
  const service = hmac(region, credential.service);
  return new SigningKey(hmac(service, "aws4_request"));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "latin1").digest();
}
