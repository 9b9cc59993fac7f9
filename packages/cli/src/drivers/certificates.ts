import { existsSync, readFileSync, statSync } from "node:fs";
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

/** Reads the pair, and looks for a new one from then on. Throws CommandFailure when there is none that can be used. */
export function keepCertificate(
  directory: string,
  components: { readonly clock: Clock; readonly logger: Logger; readonly renewed: (tls: TlsContext) => void },
): CertificateKeeper {
  const { clock, logger, renewed } = components;
  let read = readOrRefuse(directory);
  const reload = (): void => {
    try {
      read = readPair(directory);
      renewed(read.tls);
      logger.log("info", "certificate.renewed", { names: read.tls.names, expiresMs: read.tls.expiresMs });
    } catch (error) {
      logger.log("error", "certificate.not-renewed", { directory, error });
    }
  };
  const look = (): void => {
    if (stampOf(directory) !== read.stamp) reload();
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

function readOrRefuse(directory: string): ReturnType<typeof readPair> {
  try {
    return readPair(directory);
  } catch (cause) {
    const isDenied = (cause as { code?: string }).code === "EACCES";
    throw new CommandFailure(
      isDenied ? "NOT_PERMITTED" : "CONFIG_INVALID",
      `--certs-dir ${directory}: ${(cause as Error).message}`,
      {
        exitCode: isDenied ? exitCodes.notPermitted : exitCodes.usage,
        cause,
      },
    );
  }
}

function readPair(directory: string): { readonly tls: TlsContext; readonly stamp: string } {
  const stamp = stampOf(directory);
  const [certificate, privateKey] = pathsOf(directory).map((path) => readFileSync(path)) as [Buffer, Buffer];
  return { tls: createTlsContext({ certificate, privateKey }), stamp };
}

function pathsOf(directory: string): [certificate: string, privateKey: string] {
  const names = tlsFileNames.find(({ certificate }) => existsSync(join(directory, certificate)));
  if (names === undefined) throw new Error("there is neither public.crt with private.key nor tls.crt with tls.key");
  return [join(directory, names.certificate), join(directory, names.privateKey)];
}

/** Changes when either file does; links, as Kubernetes lays them, are followed. "" while they are being replaced. */
function stampOf(directory: string): string {
  try {
    return pathsOf(directory)
      .map((path) => statSync(path))
      .map(({ mtimeMs, ino, size }) => `${mtimeMs}/${ino}/${size}`)
      .join(" ");
  } catch {
    return "";
  }
}
