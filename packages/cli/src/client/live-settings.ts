import { CommandFailure, usageFailure } from "../command-failure.ts";
import type { Credentials } from "../config/credentials.ts";
import { InvalidValue, parseDuration } from "../config/parse-values.ts";
import { readSecretFile } from "../config/secret-file.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** Flags of every live command, as commander hands them over. */
export interface LiveFlags {
  readonly endpoint?: string;
  readonly accessKey?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
  readonly timeout?: string;
  readonly yes?: boolean;
  readonly caFile?: string;
  readonly insecure?: boolean;
}

export interface LiveSettings {
  readonly endpoint: URL;
  readonly timeoutMs: number;
  /** PEM of an authority to believe beside the known ones. */
  readonly authority: string | null;
  readonly isCertificateChecked: boolean;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  readonly isColored: boolean;
  readonly isAgreed: boolean;
}

const defaultEndpoint = "http://127.0.0.1:9000";
const defaultTimeout = "30s";

/** Flag, then environment, then default. Throws CommandFailure (usage). */
export function resolveLiveSettings(flags: LiveFlags, terminal: Terminal): LiveSettings {
  const { environment } = terminal;
  const text = flags.endpoint ?? (environment["KAKERA_ENDPOINT"] || defaultEndpoint);
  return {
    endpoint: parseEndpoint(text),
    timeoutMs: parseTimeout(flags.timeout ?? defaultTimeout),
    authority: flags.caFile === undefined ? null : readSecretFile("--ca-file", flags.caFile, terminal.readText),
    isCertificateChecked: flags.insecure !== true,
    isJson: flags.json === true,
    isQuiet: flags.quiet === true,
    isColored: flags.color !== false && !environment["NO_COLOR"] && terminal.machine.isTerminal,
    isAgreed: flags.yes === true,
  };
}

/** The key to sign with: flag and environment, the secret never by flag; a person is asked for what is missing. */
export async function resolveCredentials(flags: LiveFlags, terminal: Terminal): Promise<Credentials> {
  const { environment } = terminal;
  const families = [
    { user: "KAKERA_ACCESS_KEY", secret: "KAKERA_SECRET_KEY" },
    { user: "KAKERA_ROOT_USER", secret: "KAKERA_ROOT_PASSWORD" },
    { user: "AWS_ACCESS_KEY_ID", secret: "AWS_SECRET_ACCESS_KEY" },
  ];
  for (const { user, secret } of families) {
    const accessKey = flags.accessKey ?? valueOf(user, terminal);
    const secretKey = valueOf(secret, terminal);
    if (accessKey !== null && secretKey !== null) return { accessKey, secretKey };
  }
  const accessKey = flags.accessKey ?? (environment["KAKERA_ACCESS_KEY"] || environment["AWS_ACCESS_KEY_ID"] || null);
  const secretKey = accessKey === null ? null : await terminal.askSecret(`secret key of ${accessKey}: `);
  if (accessKey !== null && secretKey !== null && secretKey !== "") return { accessKey, secretKey };
  throw new CommandFailure("CREDENTIALS_MISSING", "this command signs its requests, and no key is given", {
    exitCode: exitCodes.usage,
    remedy: 'eval "$(kakera credentials show)", or export KAKERA_ACCESS_KEY=... KAKERA_SECRET_KEY=...',
  });
}

function valueOf(name: string, terminal: Terminal): string | null {
  const value = terminal.environment[name];
  if (value !== undefined && value !== "") return value;
  const path = terminal.environment[`${name}_FILE`];
  return path === undefined || path === "" ? null : readSecretFile(`${name}_FILE`, path, terminal.readText);
}

function parseEndpoint(text: string): URL {
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `http://${text}`);
  if (url === null || url.hostname === "") throw usageFailure(`the endpoint "${text}" is not a URL`, defaultEndpoint);
  return url;
}

function parseTimeout(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof InvalidValue) throw usageFailure(`--timeout: "${text}" is not ${error.message}`);
    throw error;
  }
}
