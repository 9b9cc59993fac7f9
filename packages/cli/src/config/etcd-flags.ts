import { usageFailure } from "../command-failure.ts";
import type { Terminal } from "../terminal.ts";
import { etcdPlaceOf, type EtcdPlace } from "./etcd-settings.ts";
import { InvalidValue, parseEtcdUrl } from "./parse-values.ts";
import { readSecretFile } from "./secret-file.ts";

/** How a command that is no server reaches etcd, as commander hands it over. */
export interface EtcdFlags {
  readonly allowOldEtcd?: boolean;
  readonly etcdPrefix?: string;
  readonly etcdCacert?: string;
  readonly etcdCert?: string;
  readonly etcdKey?: string;
  readonly etcdUsername?: string;
}

/** By flags, then by the server's own variables. `flag`: where the URLs come from. Throws CommandFailure (usage). */
export function etcdPlaceOfFlags(
  { flag, urls }: { readonly flag: string; readonly urls: string },
  flags: EtcdFlags,
  { environment, readText }: Terminal,
): EtcdPlace | null {
  const given = (value: string | undefined, variable: string): string | null =>
    value ?? (environment[variable] || null);
  const passwordFile = environment["KAKERA_ETCD_PASSWORD_FILE"] || null;
  return etcdPlaceOf(
    {
      etcd: urlsOf(flag, urls),
      etcdCompaction: "off",
      etcdQuotaBytes: null,
      etcdPrefix: given(flags.etcdPrefix, "KAKERA_ETCD_PREFIX") ?? "/kakera/",
      etcdCaCert: given(flags.etcdCacert, "KAKERA_ETCD_CACERT"),
      etcdCert: given(flags.etcdCert, "KAKERA_ETCD_CERT"),
      etcdKey: given(flags.etcdKey, "KAKERA_ETCD_KEY"),
      etcdUsername: given(flags.etcdUsername, "KAKERA_ETCD_USERNAME"),
      etcdPassword:
        passwordFile === null
          ? given(undefined, "KAKERA_ETCD_PASSWORD")
          : readSecretFile("KAKERA_ETCD_PASSWORD_FILE", passwordFile, readText),
      allowOldEtcd: flags.allowOldEtcd === true || environment["KAKERA_ALLOW_OLD_ETCD"] === "1",
    },
    readText,
  );
}

function urlsOf(flag: string, urls: string): string[] {
  try {
    return urls.split(",").map(parseEtcdUrl);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw usageFailure(`${flag}: "${urls}" is not ${error.message}`);
  }
}
