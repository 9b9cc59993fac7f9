import { formatAddress } from "../config/parse-values.ts";
import type { ServerSettings } from "../config/resolve-settings.ts";

/** The node's name on dashboards: host and port. */
export function serverName({ address, host }: ServerSettings): string {
  const isOfAll = ["", "0.0.0.0", "::"].includes(address.host);
  return formatAddress({ host: isOfAll ? (host ?? "localhost") : address.host, port: address.port });
}
