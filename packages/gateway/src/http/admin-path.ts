import { MIB } from "@kakera/kernel";
import { S3Error, type Authentication, type S3Request } from "@kakera/s3";
import { adminPathPrefix, type Admin } from "../admin.ts";
import { jsonAnswer, type Answer } from "../answer.ts";
import { noInspector } from "../request-body.ts";
import { createRequestBody } from "./body-source.ts";
import type { Exchange } from "./exchange.ts";
import { readWhole } from "../operations/steps/read-whole.ts";

const adminBodyBytesMax = 1 * MIB;

/** `kakera` is no bucket's name, so these paths are nobody else's. */
export function isAdminPath(request: S3Request): boolean {
  const { rawPath } = request;
  return rawPath === adminPathPrefix || rawPath.startsWith(`${adminPathPrefix}/`);
}

/** The admin API: JSON in and out, signed by root as S3 requests are. */
export async function answerAdmin(asked: {
  readonly exchange: Exchange;
  readonly request: S3Request;
  readonly authentication: Authentication;
  readonly admin: Admin;
}): Promise<Answer> {
  const { exchange, request, authentication, admin } = asked;
  if (authentication.kind !== "signed") throw new S3Error("AccessDenied", {});
  const body = await readJson(exchange, request, authentication);
  const query = new Map(request.query.entries.map((entry) => [entry.name, entry.value]));
  const { status, json } = await admin.handle({
    method: request.method,
    path: request.rawPath.slice(adminPathPrefix.length),
    query,
    body,
  });
  return jsonAnswer(status, json);
}

async function readJson(exchange: Exchange, request: S3Request, authentication: Authentication): Promise<unknown> {
  const body = createRequestBody(exchange.incoming, request, authentication);
  if (!body.isAnnounced) return null;
  const source = body.open(body.plan(), noInspector);
  const text = (await readWhole(source, adminBodyBytesMax)).toString("utf8");
  if (text === "") return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new S3Error("InvalidRequest", {}, "The body is not JSON.");
  }
}
