import { isOff } from "./parse-values.ts";

/** Names under which other servers are called in an image or a script. */
const otherServers: readonly string[] = ["minio", "rustfs"];
const ownAnswers: readonly string[] = ["--version", "-V", "--help", "-h"];

/**
 * `minio -S CERTS server ARGS`, `rustfs ARGS`, and ARGS that begin with a flag or a path become `server ARGS`;
 * all else is returned as it is.
 */
export function translateCall(argv: readonly string[]): string[] {
  const [first, ...rest] = argv;
  if (first === undefined) return [];
  if (otherServers.includes(first)) {
    if (rest.some((argument) => ownAnswers.includes(argument))) return rest.filter((argument) => argument !== "server");
    const command = rest.indexOf("server");
    return ["server", ...rest.slice(0, Math.max(0, command)), ...rest.slice(command + 1)];
  }
  if ((first.startsWith("-") || first.startsWith("/")) && !ownAnswers.includes(first)) return ["server", ...argv];
  return [...argv];
}

/** Flags of MinIO's and RustFS' servers in our words. */
export function translateForeignFlags(argv: readonly string[]): string[] {
  const translated: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] as string;
    const [flag, inline] = splitFlag(argument);
    if (argument === "--") return [...translated, ...argv.slice(i)];
    if (flag === "--console-enable") {
      const next = argv[i + 1] ?? "";
      const value = inline ?? (/^(true|false)$/i.test(next) ? next : null);
      if (inline === null && value !== null) i++;
      if (value !== null && isOff(value)) translated.push("--console-address", "off");
    } else if (argument === "--no-compat") translated.push("--etag", "fast");
    else if (argument === "--json") translated.push("--log-format", "json");
    else if (argument === "--quiet") translated.push("--log-level", "warn");
    else if (argument !== "--anonymous") translated.push(argument);
  }
  return translated;
}

function splitFlag(argument: string): [flag: string, inline: string | null] {
  const equals = argument.indexOf("=");
  return equals === -1 ? [argument, null] : [argument.slice(0, equals), argument.slice(equals + 1)];
}
