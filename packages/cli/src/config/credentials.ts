import { usageFailure } from "../command-failure.ts";
import type { Origin } from "./raw-value.ts";
import { readSecretFile, type Environment, type ReadText } from "./secret-file.ts";

/** The root pair. */
export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface GivenCredentials extends Credentials {
  readonly origin: Origin;
}

/** Pairs of variables that carry the root credentials, in the order in which they win: contract.md section 4. */
export const credentialFamilies = [
  { user: "KAKERA_ROOT_USER", secret: "KAKERA_ROOT_PASSWORD" },
  { user: "KAKERA_ACCESS_KEY", secret: "KAKERA_SECRET_KEY" },
  { user: "MINIO_ROOT_USER", secret: "MINIO_ROOT_PASSWORD" },
  { user: "MINIO_ACCESS_KEY", secret: "MINIO_SECRET_KEY" },
  { user: "RUSTFS_ACCESS_KEY", secret: "RUSTFS_SECRET_KEY" },
] as const;
type Family = (typeof credentialFamilies)[number];

const accessKeyCharactersMin = 3;
const secretKeyCharactersMin = 8;

/**
 * The root credentials that one source gives, or null when it gives none. Throws CommandFailure (usage) for half a pair, an
 * empty value, a value too short, and two families that do not agree.
 */
export function readCredentials(
  environment: Environment,
  source: { readonly readText: ReadText; readonly origin: (name: string) => Origin },
): GivenCredentials | null {
  let winner: { family: Family; given: GivenCredentials } | null = null;
  for (const family of credentialFamilies) {
    const given = readFamily(family, environment, source);
    if (given === null) continue;
    if (winner === null) winner = { family, given };
    else if (winner.given.accessKey !== given.accessKey || winner.given.secretKey !== given.secretKey) {
      throw usageFailure(
        `${winner.family.user}/${winner.family.secret} and ${family.user}/${family.secret} are both set, to different values`,
        `unset ${family.user} ${family.secret}`,
      );
    }
  }
  return winner?.given ?? null;
}

function readFamily(
  family: Family,
  environment: Environment,
  source: { readonly readText: ReadText; readonly origin: (name: string) => Origin },
): GivenCredentials | null {
  const user = readValue(family.user, environment, source.readText);
  const secret = readValue(family.secret, environment, source.readText);
  if (user === null && secret === null) return null;
  if (user === null || secret === null) {
    const [set, missing] = user === null ? [family.secret, family.user] : [family.user, family.secret];
    throw usageFailure(`${set} is set and ${missing} is not: root credentials are a pair`);
  }
  if (user.length < accessKeyCharactersMin) {
    throw usageFailure(`${family.user} has fewer than ${accessKeyCharactersMin} characters`);
  }
  if (secret.length < secretKeyCharactersMin) {
    throw usageFailure(`${family.secret} has fewer than ${secretKeyCharactersMin} characters`);
  }
  return { accessKey: user, secretKey: secret, origin: source.origin(family.user) };
}

function readValue(name: string, environment: Environment, readText: ReadText): string | null {
  const value = environment[name];
  const fileName = `${name}_FILE`;
  const path = environment[fileName];
  if (value !== undefined && path !== undefined)
    throw usageFailure(`${name} and ${fileName} are both set`, `unset ${name}`);
  const text =
    path === undefined || path === "" ? (value ?? (path === "" ? "" : null)) : readSecretFile(fileName, path, readText);
  if (text === "") throw usageFailure(`${path === undefined ? name : fileName} is set and empty`, `unset ${name}`);
  return text;
}

/** Pairs that everybody knows. */
export function areDefaultCredentials(credentials: Credentials): boolean {
  const { accessKey, secretKey } = credentials;
  return accessKey === secretKey && (accessKey === "minioadmin" || accessKey === "rustfsadmin");
}
