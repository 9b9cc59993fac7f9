import { answerHealth } from "../../../packages/gateway/src/http/health-paths.ts";
import type { Health } from "@kakera/gateway";

const quorum = { isMet: true, isMetWithoutThisNode: true, shardCount: 1 };
const well: Health = { isReady: true, takesRequests: true, version: "test", reasons: [], write: quorum, read: quorum };

/** Whether the server answers health checks there, and without asking anything but itself when it only has to live. */
export function isHealthPath(path: string): boolean {
  return answerHealth(path, { isMaintenance: false }, () => well) !== null;
}
