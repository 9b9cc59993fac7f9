import { usageFailure } from "../command-failure.ts";
import type { Environment } from "./secret-file.ts";

const enabling = /^MINIO_AUDIT_WEBHOOK_ENABLE(_.+)?$/;
/** What the settings' table knows: MinIO's names without the name of a target. */
export const foreignAuditNames = {
  endpoint: "MINIO_AUDIT_WEBHOOK_ENDPOINT",
  token: "MINIO_AUDIT_WEBHOOK_AUTH_TOKEN",
} as const;

/**
 * MinIO's audit webhooks have names, MINIO_AUDIT_WEBHOOK_ENABLE_x, ENDPOINT_x, AUTH_TOKEN_x, and count when they are enabled. Gives the environment with
 * the one that is under the names without `_x`, and without those that are not. Throws CommandFailure (usage) when several are.
 */
export function nameAuditWebhook(environment: Environment): Environment {
  const enabled = Object.keys(environment).filter(
    (name) => enabling.test(name) && /^(on|true|1)$/i.test(environment[name] ?? ""),
  );
  if (enabled.length > 1)
    throw usageFailure(
      `${enabled.sort().join(" and ")}: audit records go to one webhook`,
      "KAKERA_AUDIT_WEBHOOK_ENDPOINT",
    );
  const suffix = enabled[0] === undefined ? null : (enabling.exec(enabled[0])?.[1] ?? "");
  const { [foreignAuditNames.endpoint]: endpoint, [foreignAuditNames.token]: token, ...rest } = environment;
  if (suffix === null) return rest;
  const chosen =
    suffix === "" ? [endpoint, token] : Object.values(foreignAuditNames).map((name) => rest[name + suffix]);
  return {
    ...rest,
    ...(chosen[0] === undefined ? {} : { [foreignAuditNames.endpoint]: chosen[0] }),
    ...(chosen[1] === undefined ? {} : { [foreignAuditNames.token]: chosen[1] }),
  };
}
