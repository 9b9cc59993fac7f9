import type { AdminRequest, AdminResponse } from "@kakera/gateway";
import { filterIn } from "../trace/trace-filter.ts";
import type { ClusterTrace } from "../trace/cluster-trace.ts";

export type TracePort = Pick<ClusterTrace, "open" | "next" | "close">;

const waitMsDefault = 5_000;

/** `POST /trace` begins one, `GET /trace?id=` fetches what has come, `POST /trace/end` ends it. null: none of them. */
export async function answerTrace(request: AdminRequest, trace: TracePort): Promise<AdminResponse | null> {
  switch (`${request.method} ${request.path}`) {
    case "POST /trace":
      return { status: 200, json: { kind: "trace", version: 1, id: trace.open(filterIn(request.body)) } };
    case "GET /trace": {
      const waitMs = Number(request.query.get("waitMs") ?? waitMsDefault);
      const batch = await trace.next(request.query.get("id") ?? "", Number.isFinite(waitMs) ? Math.max(0, waitMs) : 0);
      if (batch !== null) return { status: 200, json: { kind: "trace-batch", version: 1, ...batch } };
      const message = "there is no such trace: the server was started anew, or nobody has read it for a minute";
      return { status: 404, json: { kind: "error", version: 1, reason: "TRACE_ENDED", message } };
    }
    case "POST /trace/end": {
      const id = (request.body as { id?: unknown } | null)?.id;
      if (typeof id === "string") trace.close(id);
      return { status: 200, json: { kind: "trace-ended", version: 1 } };
    }
    default:
      return null;
  }
}
