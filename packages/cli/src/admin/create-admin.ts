import { ClusterFailure, parseId, type DriveId } from "@kakera/kernel";
import type { Admin, AdminRequest, AdminResponse } from "@kakera/gateway";
import type { ExplainCall, ObjectExplanation, RepairOrder } from "@kakera/maintenance";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";
import type { ActivityReport } from "./activity-ring.ts";
import type { ExplainReport } from "./explain-report.ts";
import type { MoveService } from "../moves/move-service.ts";
import { planActions, type PlanWish } from "../moves/plan-name.ts";
import type { PlanOrder } from "../moves/record-plan.ts";
import { answerTrace, type TracePort } from "./trace-calls.ts";
import type { BucketReport, DriveReport, StatusReport } from "./status-report.ts";

/** What the administration can see and do. What it refuses it throws as CommandFailure. */
export interface AdminPorts {
  status(): StatusReport;
  buckets(): readonly BucketReport[];
  drives(): readonly DriveReport[];
  /** What this server has done since `sinceMs`, of the last hour. */
  activity(sinceMs: number): ActivityReport;
  /** Makes the empty folder a drive in place of the one that was there; resolves to the new drive. */
  replaceDrive(directory: string): Promise<DriveId>;
  /** Makes the empty folder a drive beside those that are there; resolves to the new drive. */
  addDrive(directory: string): Promise<DriveId>;
  /** Gives a drive up for good. */
  forgetDrive(driveId: DriveId): Promise<void>;
  orderRepair(order: RepairOrder): Promise<void>;
  /** null: there is no such object. */
  explain(call: ExplainCall): Promise<ObjectExplanation | null>;
  readonly moves: MoveService;
  readonly trace: TracePort;
}

/** `/kakera/admin/v1`: JSON over requests that root signed. */
export function createAdmin(ports: AdminPorts): Admin {
  return {
    async handle(request) {
      try {
        return (await answerTrace(request, ports.trace)) ?? (await answer(request, ports));
      } catch (error) {
        return describeFailure(error);
      }
    },
  };
}

async function answer(request: AdminRequest, ports: AdminPorts): Promise<AdminResponse> {
  switch (`${request.method} ${request.path}`) {
    case "GET /status":
      return { status: 200, json: ports.status() };
    case "GET /buckets":
      return { status: 200, json: { kind: "buckets", version: 1, buckets: ports.buckets() } };
    case "GET /drives":
      return { status: 200, json: { kind: "drives", version: 1, drives: ports.drives() } };
    case "GET /activity":
      return activity(request, ports);
    case "POST /drives/replace": {
      const driveId = await ports.replaceDrive(textIn(request.body, "directory"));
      return { status: 200, json: { kind: "drive-replaced", version: 1, driveId } };
    }
    case "POST /drives/add": {
      const driveId = await ports.addDrive(textIn(request.body, "directory"));
      return { status: 200, json: { kind: "drive-added", version: 1, driveId } };
    }
    case "POST /drives/forget": {
      const driveId = parseId("drive", textIn(request.body, "driveId"));
      if (driveId === null) return badRequest("driveId is 32 hexadecimal digits: kakera drive ls shows it");
      await ports.forgetDrive(driveId);
      return { status: 200, json: { kind: "drive-forgotten", version: 1, driveId } };
    }
    case "POST /repair": {
      const order = repairOrders.find((name) => name === textIn(request.body, "order"));
      if (order === undefined) return badRequest(`order is one of ${repairOrders.join(", ")}`);
      await ports.orderRepair(order);
      return { status: 200, json: { kind: "repair-ordered", version: 1, order } };
    }
    case "GET /explain":
      return explain(request, ports);
    case "POST /plans":
      return { status: 200, json: await ports.moves.plan(wishIn(request.body)) };
    case "POST /plans/apply": {
      const plan = textIn(request.body, "plan");
      await ports.moves.apply(plan);
      return { status: 200, json: { kind: "plan-applied", version: 1, plan } };
    }
    case "POST /plans/pause":
    case "POST /plans/resume":
    case "POST /plans/abort": {
      const order = request.path.slice("/plans/".length) as PlanOrder;
      const plan = await ports.moves.order(order, optionalTextIn(request.body, "plan"));
      return { status: 200, json: { kind: `plan-${order}`, version: 1, plan } };
    }
    default:
      return errorResponse(404, { reason: "UNKNOWN_PATH", message: `there is no ${request.method} ${request.path}` });
  }
}

const repairOrders: readonly RepairOrder[] = ["now", "pause", "resume"];
const chunksShownMax = 1_000;
/** Of the largest object there may be. */
const firstChunkMax = 1_000_000;

function activity({ query }: AdminRequest, ports: AdminPorts): AdminResponse {
  const sinceMs = Number(query.get("since") ?? 0);
  if (!Number.isFinite(sinceMs)) return badRequest("since is a number of milliseconds since the epoch");
  return { status: 200, json: ports.activity(sinceMs) };
}

async function explain({ query }: AdminRequest, ports: AdminPorts): Promise<AdminResponse> {
  const [bucket, key] = [query.get("bucket") ?? "", query.get("key") ?? ""];
  const chunksMax = Number(query.get("chunks") ?? 1);
  if (bucket === "" || key === "") return badRequest("bucket and key are wanted");
  if (!Number.isInteger(chunksMax) || chunksMax < 1 || chunksMax > chunksShownMax)
    return badRequest(`chunks is a number from 1 to ${chunksShownMax}`);
  const firstChunk = Number(query.get("firstChunk") ?? 0);
  if (!Number.isInteger(firstChunk) || firstChunk < 0 || firstChunk > firstChunkMax)
    return badRequest(`firstChunk is a number from 0 to ${firstChunkMax}`);
  const reads = query.get("reads") === "blocks" ? "blocks" : "headers";
  const found = await ports.explain({ bucket, objectKey: Buffer.from(key), reads, firstChunk, chunksMax });
  if (found === null)
    return errorResponse(404, { reason: "NoSuchKey", message: `there is no object s3://${bucket}/${key}` });
  const { scrubbedMs, ...explanation } = found;
  const drives = ports.drives();
  const report: ExplainReport = {
    kind: "explanation",
    version: 1,
    bucket,
    key,
    reads,
    provenMs: ports.status().census.provenMs,
    ...explanation,
    drives: [...scrubbedMs].map(([driveId, endedMs]) => {
      const drive = drives.find((known) => known.driveId === driveId);
      return { driveId, place: drive?.place ?? "", node: drive?.node ?? null, scrubbedMs: endedMs };
    }),
  };
  return { status: 200, json: report };
}

class BadRequest extends Error {}

function textIn(body: unknown, name: string): string {
  const value = typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
  if (typeof value !== "string" || value === "") throw new BadRequest(`the body lacks the text "${name}"`);
  return value;
}

function optionalTextIn(body: unknown, name: string): string | null {
  const value = typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
  return typeof value === "string" && value !== "" ? value : null;
}

function wishIn(body: unknown): PlanWish {
  const action = planActions.find((known) => known === textIn(body, "action"));
  if (action === undefined) throw new BadRequest(`"action" is one of ${planActions.join(", ")}`);
  const names = (body as Record<string, unknown>)["names"];
  const areTexts = Array.isArray(names) && names.every((name) => typeof name === "string" && /^[^,@\s]+$/.test(name));
  if (!areTexts) throw new BadRequest('"names" is a list of nodes and drives');
  if (action === "replace" && names.length !== 2) throw new BadRequest("replace takes the old one and the new one");
  if (action === "geometry" && names.length !== 1) throw new BadRequest("geometry takes one, as 4+2");
  return { action, names: names as string[] };
}

function describeFailure(error: unknown): AdminResponse {
  if (error instanceof BadRequest) return badRequest(error.message);
  if (error instanceof CommandFailure) {
    const { message, remedy, exitCode } = error;
    const status = exitCode === exitCodes.unreachable ? 503 : 409;
    return errorResponse(status, { reason: error.reason, message, remedy });
  }
  if (error instanceof ClusterFailure) {
    return errorResponse(503, { reason: error.reason ?? error.kind.toUpperCase(), message: error.message });
  }
  throw error;
}

function badRequest(message: string): AdminResponse {
  return errorResponse(400, { reason: "BAD_REQUEST", message });
}

function errorResponse(
  status: number,
  error: { reason: string; message: string; remedy?: string | null },
): AdminResponse {
  return { status, json: { kind: "error", version: 1, ...error } };
}
