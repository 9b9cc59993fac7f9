import type { EtcdAccess, EtcdSettings } from "@kakera/metadata";
import { usageFailure } from "../command-failure.ts";
import type { ServerSettings } from "./resolve-settings.ts";
import type { TestSettings } from "./test-settings.ts";
import type { ReadText } from "./secret-file.ts";

/** Where a cluster's metadata is, and how it is reached. */
export interface EtcdPlace {
  readonly access: EtcdAccess;
  readonly settings: Pick<EtcdSettings, "prefix" | "allowOldEtcd" | "compaction" | "quotaBytes"> &
    Partial<Pick<EtcdSettings, "sessionTtlSeconds">>;
}

export type EtcdWords = Pick<
  ServerSettings,
  | "etcd"
  | "etcdCompaction"
  | "etcdQuotaBytes"
  | "etcdPrefix"
  | "etcdCaCert"
  | "etcdCert"
  | "etcdKey"
  | "etcdUsername"
  | "etcdPassword"
  | "allowOldEtcd"
>;

/** null: there is no cluster. Reads the files of certificates. Throws CommandFailure (usage). */
export function etcdPlaceOf(words: EtcdWords, readText: ReadText): EtcdPlace | null {
  if (words.etcd.length === 0) return null;
  return {
    access: { endpoints: words.etcd, ...authOf(words), ...tlsOf(words, readText) },
    settings: {
      prefix: withSlash(words.etcdPrefix),
      allowOldEtcd: words.allowOldEtcd,
      compaction: words.etcdCompaction,
      quotaBytes: words.etcdQuotaBytes,
    },
  };
}

function authOf({ etcdUsername, etcdPassword }: EtcdWords): Pick<EtcdAccess, "auth"> {
  if (etcdUsername === null && etcdPassword === null) return {};
  if (etcdUsername === null || etcdPassword === null)
    throw usageFailure("etcd's user and password go together: one of them is missing", "KAKERA_ETCD_PASSWORD_FILE");
  return { auth: { username: etcdUsername, password: etcdPassword } };
}

function tlsOf(words: EtcdWords, readText: ReadText): Pick<EtcdAccess, "tls"> {
  const { etcdCaCert, etcdCert, etcdKey } = words;
  if ((etcdCert === null) !== (etcdKey === null))
    throw usageFailure("--etcd-cert and --etcd-key go together: one of them is missing");
  const isTls = words.etcd.some((url) => url.startsWith("https:"));
  if (!isTls) {
    if (etcdCaCert === null && etcdCert === null) return {};
    throw usageFailure("certificates are given for etcd, and its URL is http", "--etcd https://HOST:2379");
  }
  if (etcdCaCert === null) throw usageFailure("the authority of etcd's certificate is not named", "--etcd-cacert FILE");
  const read = (path: string): Buffer => readPem(path, readText);
  const own = etcdCert === null || etcdKey === null ? {} : { certChain: read(etcdCert), privateKey: read(etcdKey) };
  return { tls: { rootCertificate: read(etcdCaCert), ...own } };
}

function readPem(path: string, readText: ReadText): Buffer {
  try {
    return Buffer.from(readText(path));
  } catch (error) {
    throw usageFailure(`${path} cannot be read: ${(error as Error).message}`);
  }
}

/** As a test wants it. */
export function testedEtcd(place: EtcdPlace | null, { sessionTtlSeconds }: TestSettings): EtcdPlace | null {
  if (place === null || sessionTtlSeconds === undefined) return place;
  return { ...place, settings: { ...place.settings, sessionTtlSeconds } };
}

/** `/kakera` and `/kakera/` are one place. */
function withSlash(prefix: string): string {
  return prefix.endsWith("/") ? prefix : `${prefix}/`;
}
