import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createTlsContext, tlsFileNames, type TlsContext } from "@kakera/gateway";
import { SECOND_MS, type Clock, type Logger } from "@kakera/kernel";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";

const lookIntervalMs = 10 * SECOND_MS;

/** The certificate of a folder, which may be replaced while the server runs. */
export interface CertificateKeeper {
  readonly current: TlsContext;
  /** Reads the folder anew now; a pair that does not fit is told and left. */
  reload(): void;
  stop(): void;
}

/** Whose: what S3's clients see, or what nodes show each other, with the authorities that they believe. */
export interface CertificateFolder {
  readonly flag: "--certs-dir" | "--node-certs-dir";
  readonly directory: string;
}

/** Reads the pair, and looks for a new one from then on. Throws CommandFailure when there is none that can be used. */
export function keepCertificate(
  { flag, directory }: CertificateFolder,
  components: { readonly clock: Clock; readonly logger: Logger; readonly renewed: (tls: TlsContext) => void },
): CertificateKeeper {
  const { clock, logger, renewed } = components;
  const folder: Folder = { directory, hasAuthorities: flag === "--node-certs-dir" };
  let read = readOrRefuse(folder, flag);
  const reload = (): void => {
    try {
      read = readFolder(folder);
      renewed(read.tls);
      logger.log("info", "certificate.renewed", { names: read.tls.names, expiresMs: read.tls.expiresMs });
    } catch (error) {
      logger.log("error", "certificate.not-renewed", { directory, error });
    }
  };
  const look = (): void => {
    if (stampOf(folder) !== read.stamp) reload();
    timer = clock.setTimer(lookIntervalMs, look);
  };
  let timer = clock.setTimer(lookIntervalMs, look);
  return {
    get current() {
      return read.tls;
    },
    reload,
    stop: () => timer.cancel(),
  };
}

interface Folder {
  readonly directory: string;
  /** Those that others' certificates have to be of. */
  readonly hasAuthorities: boolean;
}

interface Certificate {
  readonly tls: TlsContext;
  readonly stamp: string;
}

function readOrRefuse(folder: Folder, flag: string): Certificate {
  try {
    return readFolder(folder);
  } catch (cause) {
    const isDenied = (cause as { code?: string }).code === "EACCES";
    throw new CommandFailure(
      isDenied ? "NOT_PERMITTED" : "CONFIG_INVALID",
      `${flag} ${folder.directory}: ${(cause as Error).message}`,
      {
        exitCode: isDenied ? exitCodes.notPermitted : exitCodes.usage,
        cause,
      },
    );
  }
}

function readFolder(folder: Folder): Certificate {
  const stamp = stampOf(folder);
  const [certificate, privateKey] = pathsOf(folder.directory).map((path) => readFileSync(path)) as [Buffer, Buffer];
  const tls = createTlsContext({ certificate, privateKey });
  if (!folder.hasAuthorities) return { tls, stamp };
  return { tls: { ...tls, options: { ...tls.options, ca: readAuthorities(folder.directory) } }, stamp };
}

function readAuthorities(directory: string): Buffer[] {
  const paths = authorityPathsOf(directory);
  if (paths.length === 0)
    throw new Error("there is neither ca.crt nor a certificate in CAs/: who is believed is not said");
  return paths.map((path) => {
    const bytes = readFileSync(path);
    try {
      // Of a bundle the first: a file that is none at all would be passed over in silence.
      void new X509Certificate(bytes);
    } catch (cause) {
      throw new Error(`${path} is no certificate`, { cause });
    }
    return bytes;
  });
}

/** Names that begin with a dot are Kubernetes' own links. */
function authorityPathsOf(directory: string): string[] {
  const folder = join(directory, "CAs");
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith(".")) : [];
  const single = join(directory, "ca.crt");
  return [...(existsSync(single) ? [single] : []), ...names.sort().map((name) => join(folder, name))];
}

function pathsOf(directory: string): [certificate: string, privateKey: string] {
  const names = tlsFileNames.find(({ certificate }) => existsSync(join(directory, certificate)));
  if (names === undefined) throw new Error("there is neither public.crt with private.key nor tls.crt with tls.key");
  return [join(directory, names.certificate), join(directory, names.privateKey)];
}

/** Changes when a file does; links, as Kubernetes lays them, are followed. "" while they are being replaced. */
function stampOf({ directory, hasAuthorities }: Folder): string {
  try {
    return [...pathsOf(directory), ...(hasAuthorities ? authorityPathsOf(directory) : [])]
      .map((path) => statSync(path))
      .map(({ mtimeMs, ino, size }) => `${mtimeMs}/${ino}/${size}`)
      .join(" ");
  } catch {
    return "";
  }
}
