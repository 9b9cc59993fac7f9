import { DAY_MS, SECOND_MS } from "@kakera/kernel";
import { signMetricsToken } from "@kakera/gateway";
import { resolveCredentials, resolveLiveSettings, type LiveFlags } from "../client/live-settings.ts";
import { createServerClient } from "../client/server-client.ts";
import { CommandFailure, usageFailure } from "../command-failure.ts";
import { InvalidValue, parseDuration } from "../config/parse-values.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

export interface MetricsTokenFlags extends LiveFlags {
  /** What of MinIO's views, and not our own names. */
  readonly minio?: string;
  readonly expires?: string;
}

const minioViews = ["cluster", "node", "bucket", "resource"] as const;
/** As long as the tokens that MinIO's client makes: whoever wants less says so. */
const expiresMsDefault = 36_500 * DAY_MS;

/**
 * `kakera metrics-token`: a job for prometheus.yml with a bearer token, after the server has taken that token. The token is signed
 * here: the secret does not leave this process.
 */
export async function runMetricsToken(flags: MetricsTokenFlags, terminal: Terminal): Promise<ExitCode> {
  const settings = resolveLiveSettings(flags, terminal);
  const { accessKey, secretKey } = await resolveCredentials(flags, terminal);
  const path = pathOf(flags.minio);
  const expiresMs = terminal.clock.nowMs() + durationOf(flags.expires);
  const token = signMetricsToken(accessKey, secretKey, Math.floor(expiresMs / SECOND_MS));
  const client = createServerClient(settings, { nowMs: () => terminal.clock.nowMs(), credentials: null });
  try {
    const { status } = await client.getPlain(path, { authorization: `Bearer ${token}` });
    if (status !== 200) throw notTaken(status, settings.endpoint);
  } finally {
    await client.close();
  }
  const { endpoint } = settings;
  const target = endpoint.port === "" ? `${endpoint.hostname}:${defaultPortOf(endpoint)}` : endpoint.host;
  const job = { target, scheme: endpoint.protocol.slice(0, -1), path, token };
  if (settings.isJson)
    terminal.print(JSON.stringify({ kind: "metrics-token", version: 1, ...job, expiresMs: Math.floor(expiresMs) }));
  else for (const line of renderJob(job, flags)) terminal.print(line);
  return exitCodes.done;
}

function defaultPortOf(endpoint: URL): number {
  return endpoint.protocol === "https:" ? 443 : 80;
}

function pathOf(view: string | undefined): string {
  if (view === undefined) return "/metrics";
  const known = minioViews.find((name) => name === view);
  if (known === undefined) throw usageFailure(`--minio: "${view}" is none of ${minioViews.join(", ")}`);
  return `/minio/v2/metrics/${known}`;
}

function durationOf(text: string | undefined): number {
  if (text === undefined) return expiresMsDefault;
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof InvalidValue) throw usageFailure(`--expires: "${text}" is not ${error.message}`);
    throw error;
  }
}

function notTaken(status: number, endpoint: URL): CommandFailure {
  if (status === 403)
    return new CommandFailure("NOT_PERMITTED", `${endpoint.origin} does not take a token of this key`, {
      exitCode: exitCodes.notPermitted,
      remedy: 'eval "$(kakera credentials show)", and see that the clocks agree',
    });
  return new CommandFailure(`HTTP_${status}`, `${endpoint.origin} answers a scrape with ${status}`, {
    exitCode: status >= 500 ? exitCodes.unreachable : exitCodes.attention,
    remedy: "kakera doctor",
  });
}

function renderJob(
  job: { readonly target: string; readonly scheme: string; readonly path: string; readonly token: string },
  { caFile, insecure, minio }: MetricsTokenFlags,
): string[] {
  const tls = [
    ...(caFile === undefined ? [] : [`      ca_file: ${JSON.stringify(caFile)}`]),
    ...(insecure === true ? ["      insecure_skip_verify: true"] : []),
  ];
  return [
    "scrape_configs:",
    `  - job_name: ${minio === undefined ? "kakera" : `kakera-minio-${minio}`}`,
    `    scheme: ${job.scheme}`,
    `    metrics_path: ${job.path}`,
    "    authorization:",
    "      type: Bearer",
    `      credentials: ${job.token}`,
    ...(tls.length === 0 ? [] : ["    tls_config:", ...tls]),
    "    static_configs:",
    `      - targets: [${JSON.stringify(job.target)}]`,
  ];
}
