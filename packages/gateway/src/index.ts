export { createGateway, type Gateway } from "./create-gateway.ts";
export type { CredentialSource, GatewayComponents, GatewaySettings, OperationBodies } from "./gateway-parts.ts";
export type { Admin, AdminRequest, AdminResponse } from "./admin.ts";
export type { FinishedListener, FinishedRequest, RequestTracer } from "./finished-request.ts";
export type { EndedRequest, RequestWatcher } from "./request-watcher.ts";
export type { Health, HealthSource, Quorum } from "./http/health.ts";
export type { HttpServer } from "./http/create-rim.ts";
export { serverOptions } from "./http/server-settings.ts";
export { createTlsContext, tlsFileNames, type TlsContext, type TlsMaterial } from "./http/tls-context.ts";
export { failpointNames, type FailpointName } from "./failpoint-names.ts";
export { isMetricsPath, selectMetrics } from "./http/select-metrics.ts";
export { signMetricsToken } from "./http/metrics-token.ts";

// Operations without HTTP, for who knows the sender and has the body at hand (the simulator).
export { operationTable } from "./operations/operation-table.ts";
export type { Call } from "./operations/call.ts";
export type { Answer } from "./answer.ts";
export type { OperationParts } from "./gateway-parts.ts";

export { milvusFileOf, type MilvusFile } from "./http/milvus-file.ts";

// The seam between operations and the data path.
export type {
  Bodies,
  BodyOriginal,
  BodyOwner,
  BodyRange,
  BodySink,
  BodySource,
  StoredBody,
  WrittenBody,
} from "./bodies.ts";
export {
  createBodies,
  type BodiesComponents,
  type BodiesSettings,
  type BodyStore,
  type WatchedBodyStore,
  type Watermarks,
} from "./create-bodies.ts";
export type { WriteNumbers } from "./write-path/write-register.ts";
export { defaultWriteSettings, type WriteSettings } from "./write-path/write-settings.ts";
export { defaultReadSettings, type ReadSettings } from "./read-path/read-settings.ts";
export { createBodyCopier } from "./copy-path/body-copier.ts";
