import type { Random } from "@kakera/kernel";
import { CommandFailure } from "../command-failure.ts";
import { areDefaultCredentials, type Credentials } from "../config/credentials.ts";
import { exitCodes } from "../exit-codes.ts";
import {
  formatRootCredentials,
  generateCredentials,
  parseRootCredentials,
  rootCredentialsPath,
} from "../root-credentials.ts";
import type { UserFacts } from "../doctor/machine-probe.ts";
import { asPermitted } from "./as-permitted.ts";
import type { FolderAccess } from "./folder-access.ts";

export interface RootKey {
  readonly credentials: Credentials;
  /** `generated`: just now, to be shown once; `kept`: by an earlier start; `given`: by the environment. */
  readonly source: "generated" | "kept" | "given";
  readonly isWellKnown: boolean;
}

/**
 * The root key of one machine: what the environment gives; else what the drives keep; else a new one. A kept key is written to
 * every drive that lacks it. Throws CommandFailure when drives keep different ones.
 */
export async function obtainRootKey(
  components: { readonly access: FolderAccess; readonly random: Random; readonly user: UserFacts },
  given: { readonly credentials: Credentials | null; readonly places: readonly string[] },
): Promise<RootKey> {
  if (given.credentials !== null) {
    return { credentials: given.credentials, source: "given", isWellKnown: areDefaultCredentials(given.credentials) };
  }
  const { access, random, user } = components;
  const kept = new Map<string, Credentials | null>();
  for (const place of given.places) {
    const text = await asPermitted({ place, user, access }, () => access.readText(place, rootCredentialsPath));
    kept.set(place, text === null ? null : parseRootCredentials(text, `${place}/${rootCredentialsPath}`));
  }
  const present = [...kept].filter(([, credentials]) => credentials !== null) as [string, Credentials][];
  checkAgreement(present);
  const credentials = present[0]?.[1] ?? generateCredentials(random);
  for (const [place, has] of kept) {
    if (has === null) await access.writeSecret(place, rootCredentialsPath, formatRootCredentials(credentials));
  }
  return { credentials, source: present.length === 0 ? "generated" : "kept", isWellKnown: false };
}

/** Gives a drive that is new what the others keep: nothing when the key comes from the environment. */
export async function keepRootKey(access: FolderAccess, place: string, rootKey: RootKey): Promise<void> {
  if (rootKey.source === "given") return;
  await access.writeSecret(place, rootCredentialsPath, formatRootCredentials(rootKey.credentials));
}

function checkAgreement(present: readonly [place: string, credentials: Credentials][]): void {
  const [first, ...rest] = present;
  for (const [place, credentials] of rest) {
    if (
      first !== undefined &&
      (credentials.accessKey !== first[1].accessKey || credentials.secretKey !== first[1].secretKey)
    ) {
      throw new CommandFailure("CREDENTIALS_CONFLICT", `${first[0]} and ${place} keep different root keys`, {
        exitCode: exitCodes.refused,
        remedy: `remove the wrong ${rootCredentialsPath}, or set KAKERA_ROOT_USER and KAKERA_ROOT_PASSWORD`,
      });
    }
  }
}
