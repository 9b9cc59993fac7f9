import type { GatewayComponents } from "@kakera/gateway";
import type { ClusterId } from "@kakera/kernel";
import type { Audit } from "./keep-audit.ts";
import type { Tracing } from "./keep-tracing.ts";

/** What a gateway tells of its requests, and to whom; nothing where nobody asked. */
export function watchRequests(
  { audit, tracing }: { readonly audit: Audit | null; readonly tracing: Tracing | null },
  clusterId: () => ClusterId,
): Pick<GatewayComponents, "finished" | "traced"> {
  const record = audit?.watcher(clusterId);
  if (tracing === null) return { finished: record };
  const { tracer } = tracing;
  return {
    traced: (traceparent, work) => tracer.around(traceparent, work),
    finished: (request) => {
      tracer.finished(request);
      record?.(request);
    },
  };
}
