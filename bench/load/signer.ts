import { systemClock } from "@kakera/kernel";
import { createSigner as createLoadSigner, emptyHash, type Signer } from "@kakera/load";

export { emptyHash, type Signer };

export function createSigner(host: string, credentials: { accessKey: string; secretKey: string }): Signer {
  return createLoadSigner(host, credentials, systemClock);
}
