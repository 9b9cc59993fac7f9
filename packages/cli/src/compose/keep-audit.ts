import type { FinishedListener } from "@kakera/gateway";
import type { Clock, ClusterId, Logger, Meter } from "@kakera/kernel";
import { auditLine } from "../audit/audit-record.ts";
import { LineQueue } from "../delivery/line-queue.ts";
import type { ServerSettings } from "../config/resolve-settings.ts";
import { openAuditFile } from "../drivers/audit-file.ts";
import { openAuditWebhook } from "../drivers/audit-webhook.ts";

/** Tells of every request that is over, where it was asked for. */
export interface Audit {
  /** A record names the cluster, which is known once drives and log are. */
  watcher(clusterId: () => ClusterId): FinishedListener;
  reopen(): void;
  close(): Promise<void>;
}

type AuditSettings = Pick<ServerSettings, "auditFile" | "auditWebhookEndpoint" | "auditWebhookToken">;

/** null: nobody wants records, and none are made. Throws CommandFailure when the file cannot be written. */
export function keepAudit(
  { auditFile, auditWebhookEndpoint, auditWebhookToken }: AuditSettings,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly meter: Meter },
): Audit | null {
  const targets = [
    ...(auditFile === null ? [] : [openAuditFile(auditFile)]),
    ...(auditWebhookEndpoint === null ? [] : [openAuditWebhook(new URL(auditWebhookEndpoint), auditWebhookToken)]),
  ];
  if (targets.length === 0) return null;
  const records = parts.meter.counter({
    name: "kakera_audit_records_total",
    help: "audit records, by target (file, webhook) and outcome (sent, dropped)",
    labels: ["target", "outcome"],
  });
  const queues = targets.map((target) => {
    const counted = (count: number, outcome: string): void => records.add(count, { target: target.name, outcome });
    return new LineQueue({ ...parts, target, counted });
  });
  return {
    watcher: (clusterId) => (request) => {
      // Probes and scrapes come every few seconds, unsigned, and tell nothing of anybody.
      if (request.operation === "Health" || request.operation === "Metrics") return;
      const line = auditLine(request, clusterId());
      for (const queue of queues) queue.add(line);
    },
    reopen: () => {
      for (const queue of queues) queue.reopen();
    },
    close: async () => void (await Promise.all(queues.map((queue) => queue.close()))),
  };
}
