import type { Clock, Failpoints, Logger, Meter, Random, SessionId } from "@kakera/kernel";
import type { CommitLog, KeyQueue } from "@kakera/metadata";
import type { Owner } from "@kakera/s3";
import type { Admin } from "./admin.ts";
import type { BodyStore } from "./create-bodies.ts";
import type { FinishedListener, RequestTracer } from "./finished-request.ts";
import type { HealthSource } from "./http/health.ts";
import type { RequestWatcher } from "./request-watcher.ts";

/** What a gateway is built from. */
export interface GatewayComponents {
  readonly log: CommitLog;
  readonly bodies: OperationBodies;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly failpoints: Failpoints;
  readonly credentials: CredentialSource;
  readonly health: HealthSource;
  readonly admin: Admin;
  /**
   * Whether a session that left a mark (a bucket being removed, an upload being completed) may still be at it. Absent: only our
   * own is alive, as on one machine.
   */
  readonly isSessionLive?: (session: SessionId) => boolean;
  /** In whose name marks are left. Absent: the log's session; processes that share that have names of their own. */
  readonly markSession?: SessionId;
  /** Everything measured by this process, in Prometheus' text form. */
  readonly metricsText: () => string | Promise<string>;
  /** What the other nodes of the cluster tell at a path of metrics. Absent: there are none. */
  readonly metricsOfOthers?: ((path: string) => Promise<readonly string[]>) | undefined;
  /** Told of each request that is over. Absent: nobody is, and it costs nothing. */
  readonly finished?: FinishedListener | undefined;
  /** Absent: requests are not traced. */
  readonly traced?: RequestTracer | undefined;
  /** Absent: nobody watches requests. */
  readonly watcher?: RequestWatcher;
}

/** Of the data path, what operations need. */
export type OperationBodies = Pick<BodyStore, "write" | "read" | "readNow" | "copy" | "discard" | "settle">;

export interface CredentialSource {
  /** The secret of an access key, or null when there is no such key. */
  lookup(accessKey: string): string | null;
}

export interface GatewaySettings {
  /** What GetBucketLocation and x-amz-bucket-region report; signatures may name any. */
  readonly region: string;
  /** Virtual host domains, lower case, without port. */
  readonly domains: readonly string[];
  readonly etag: "md5" | "fast";
  /** Bodies up to this size live in their record. */
  readonly inlineBytesMax: number;
  /** All parts of an upload but the last have at least this size: 5 MiB, less only in tests. */
  readonly minPartBytes: number;
  /** Keys of a DeleteObjects that travel in one change; the rest follow in others. */
  readonly keysPerDeletionMax: number;
  readonly metricsAuth: "jwt" | "public";
  /** Proxies whose X-Forwarded-For is believed: addresses and blocks; none when absent. */
  readonly trustedProxies?: readonly string[];
  /** How long a change of a contended key is tried again before its client gets 503. */
  readonly commitDeadlineMs: number;
  readonly owner: Owner;
  /** `no`: a node that only keeps shards; it answers health, metrics and the admin, and refuses S3. Absent = yes. */
  readonly servesObjects?: "yes" | "no";
}

/** What operations see of a gateway. */
export interface OperationParts {
  readonly log: CommitLog;
  readonly bodies: OperationBodies;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly failpoints: Failpoints;
  readonly settings: GatewaySettings;
  /** Changes of one key queue in order (correctness.md F19). */
  readonly keyQueue: KeyQueue;
  readonly isSessionLive: (session: SessionId) => boolean;
  /** Marks in this name are of this process, and of no other one. */
  readonly markSession: () => SessionId;
}
