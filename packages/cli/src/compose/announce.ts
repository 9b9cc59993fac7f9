import { countDomains } from "../admin/count-domains.ts";
import { describeSettings } from "../config/describe-settings.ts";
import type { ResolvedSettings, ServerSettings } from "../config/resolve-settings.ts";
import type { ServerLogger } from "../drivers/pino-logger.ts";
import type { Terminal } from "../terminal.ts";
import { renderBanner, renderSettings, urlOf, type BannerFacts } from "./banner.ts";
import type { Server } from "./compose-server.ts";

interface Shown {
  readonly terminal: Terminal;
  readonly logger: ServerLogger;
}

/** The effective configuration, and what is strange about it. */
export function announceSettings(resolved: ResolvedSettings, { terminal, logger }: Shown): void {
  const { settings, warnings } = resolved;
  for (const warning of warnings) logger.log("warn", "config.unknown-variable", { warning });
  const described = describeSettings(resolved);
  if (settings.logFormat === "json") logger.log("info", "config.effective", { settings: described });
  else if (isTalkative(settings)) for (const line of renderSettings(described)) terminal.print(line);
}

/** The server is ready. The banner goes to people: beside JSON lines on stdout that is stderr. */
export function announceReady(server: Server, settings: ServerSettings, { terminal, logger }: Shown): void {
  const isTls = settings.certsDir !== null;
  const geometry = server.state.geometry();
  logger.log("info", "server.ready", { endpoint: urlOf(settings.address, isTls), geometry });
  if (!isTalkative(settings)) return;
  const banner = renderBanner({
    ...settings,
    isTls,
    geometry,
    driveCount: server.formation.drives.filter((driveId) => driveId !== null).length,
    cluster: settings.etcd.length === 0 ? null : describeCluster(server),
    missingCount: server.state.drives().filter(({ condition }) => condition === "offline").length,
    isSameDevice: server.isSameDevice,
    rootKey: server.rootKey,
    firstPlace: settings.drives[0] ?? "",
  });
  for (const line of banner) {
    if (settings.logFormat === "text") terminal.print(line);
    else terminal.hint(line);
  }
}

function describeCluster(server: Server): NonNullable<BannerFacts["cluster"]> {
  const drives = server.state.drives();
  const hostCount = new Set(drives.map(({ node }) => node)).size;
  return { hostCount, driveCount: drives.length, noun: countDomains(drives).noun };
}

function isTalkative({ logLevel }: ServerSettings): boolean {
  return logLevel === "info" || logLevel === "debug";
}
