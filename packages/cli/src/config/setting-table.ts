import { DAY_MS, SECOND_MS } from "@kakera/kernel";
import { foreignAuditNames } from "./foreign-audit-webhook.ts";
import { expandBraces, splitPatterns } from "./expand-braces.ts";
import {
  InvalidValue,
  isOff,
  parseAddress,
  parseAddressBlock,
  parseAddressOrOff,
  parseChoice,
  parseCount,
  parseProcesses,
  parseDuration,
  parseEtcdUrl,
  parseGeometryWish,
  parseHttpUrl,
  parseSize,
  parseSwitch,
  type Address,
  type GeometryWish,
} from "./parse-values.ts";
import { listSetting, setting, type ForeignName, type SettingSpec } from "./setting-spec.ts";

const clusterSecretCharactersMin = 32;

/** Every setting of `kakera server`: contract.md section 3, row by row. Credentials are in credentials.ts. */
export const settingTable = {
  volumes: listSetting<readonly string[]>("volumes", expandBraces, {
    isFlag: false,
    split: splitPatterns,
    environment: "KAKERA_VOLUMES",
    alsoUnderstood: ["MINIO_VOLUMES", "RUSTFS_VOLUMES"],
    fallback: [],
    fallbackText: "none",
    help: "drive folders",
  }),
  address: setting<Address>("address", parseAddress, {
    flag: "HOST:PORT",
    environment: "KAKERA_ADDRESS",
    alsoUnderstood: ["MINIO_ADDRESS", "RUSTFS_ADDRESS"],
    fallback: { host: "", port: 9000 },
    fallbackText: ":9000",
    help: "where S3, health, metrics and administration are served",
  }),
  consoleAddress: setting<Address | null>("console-address", parseAddressOrOff, {
    flag: "HOST:PORT|off",
    environment: "KAKERA_CONSOLE_ADDRESS",
    alsoUnderstood: [
      offOnly("MINIO_BROWSER"),
      "MINIO_CONSOLE_ADDRESS",
      offOnly("RUSTFS_CONSOLE_ENABLE"),
      "RUSTFS_CONSOLE_ADDRESS",
    ],
    fallback: { host: "", port: 9001 },
    fallbackText: ":9001",
    help: "where the status page and the console are served",
  }),
  nodeAddress: setting<Address>("node-address", parseAddress, {
    flag: "HOST:PORT",
    environment: "KAKERA_NODE_ADDRESS",
    fallback: { host: "", port: 9010 },
    fallbackText: ":9010",
    help: "where other nodes reach this one (cluster only)",
  }),
  advertise: setting<Address | null>("advertise", parseAddress, {
    flag: "HOST:PORT",
    environment: "KAKERA_ADVERTISE",
    fallback: null,
    fallbackText: "the node address, or host name and node port",
    help: "what other nodes dial (cluster only)",
  }),
  etcd: listSetting<string>("etcd", parseEtcdUrl, {
    flag: "URL[,URL]",
    environment: "KAKERA_ETCD_ENDPOINTS",
    fallback: [],
    fallbackText: "none: one machine",
    help: "etcd of the cluster",
  }),
  allowOldEtcd: setting<boolean>("allow-old-etcd", parseSwitch, {
    environment: "KAKERA_ALLOW_OLD_ETCD",
    fallback: false,
    fallbackText: "off",
    help: "accept an etcd with known lost-event or stale-read bugs",
  }),
  etcdPrefix: setting<string>("etcd-prefix", parseText, {
    flag: "PREFIX",
    environment: "KAKERA_ETCD_PREFIX",
    fallback: "/kakera/",
    fallbackText: "/kakera/",
    help: "where this cluster's keys are in etcd",
  }),
  etcdCompaction: setting<"leader" | "off" | "auto">("etcd-compaction", parseChoice(["leader", "off", "auto"]), {
    flag: "leader|off|auto",
    environment: "KAKERA_ETCD_COMPACTION",
    fallback: "auto",
    fallbackText: "auto",
    help: "who compacts etcd",
  }),
  etcdQuotaBytes: setting<number | null>("etcd-quota", parseSize, {
    flag: "SIZE",
    environment: "KAKERA_ETCD_QUOTA",
    fallback: null,
    fallbackText: "what etcd tells; before 3.6 it does not: 2GiB",
    help: "etcd's --quota-backend-bytes",
  }),
  etcdCaCert: setting<string | null>(
    "etcd-cacert",
    parseText,
    etcdFile("KAKERA_ETCD_CACERT", "authority of etcd's certificate"),
  ),
  etcdCert: setting<string | null>("etcd-cert", parseText, etcdFile("KAKERA_ETCD_CERT", "client certificate for etcd")),
  etcdKey: setting<string | null>(
    "etcd-key",
    parseText,
    etcdFile("KAKERA_ETCD_KEY", "key of the client certificate for etcd"),
  ),
  etcdUsername: setting<string | null>("etcd-username", parseText, {
    ...etcdFile("KAKERA_ETCD_USERNAME", "user of etcd"),
    flag: "NAME",
  }),
  etcdPassword: setting<string | null>("etcd-password", parseText, {
    isFlag: false,
    isSecret: true,
    environment: "KAKERA_ETCD_PASSWORD",
    fallback: null,
    fallbackText: "none",
    help: "password of etcd's user",
  }),
  clusterSecret: setting<string | null>("cluster-secret", parseClusterSecret, {
    isFlag: false,
    isSecret: true,
    environment: "KAKERA_CLUSTER_SECRET",
    fallback: null,
    fallbackText: "none",
    help: `what nodes prove to each other, at least ${clusterSecretCharactersMin} characters`,
  }),
  expectDomains: setting<number | null>("expect-domains", parseCount, {
    flag: "N",
    environment: "KAKERA_EXPECT_DOMAINS",
    fallback: null,
    fallbackText: "settle 10 s after the last arrival",
    help: "failure domains to wait for at formation (cluster only)",
  }),
  zone: setting<string | null>("zone", parseText, domainName("KAKERA_ZONE", "zone")),
  rack: setting<string | null>("rack", parseText, domainName("KAKERA_RACK", "rack")),
  host: setting<string | null>("host", parseText, {
    ...domainName("KAKERA_HOST", "host"),
    fallbackText: "this machine's name",
  }),
  geometry: setting<GeometryWish | null>("geometry", parseGeometryWish, {
    flag: "K+M",
    environment: "KAKERA_GEOMETRY",
    alsoUnderstood: ["MINIO_STORAGE_CLASS_STANDARD"],
    fallback: null,
    fallbackText: "by number of drives",
    help: "data and parity shards, at first formation only",
  }),
  stateDir: setting<string | null>("state-dir", parseText, {
    flag: "DIR",
    environment: "KAKERA_STATE_DIR",
    fallback: null,
    fallbackText: "first online drive, .kakera/state",
    help: "derived files; may be emptied while stopped",
  }),
  processes: setting<number | "auto">("processes", parseProcesses, {
    flag: "N|auto",
    environment: "KAKERA_PROCESSES",
    fallback: 1,
    fallbackText: "1",
    help: "processes that serve on the port; auto: one for each core but one",
  }),
  memoryMaxBytes: setting<number | null>("memory-max", parseSize, {
    flag: "SIZE",
    environment: "KAKERA_MEMORY_MAX",
    fallback: null,
    fallbackText: "80 % of the container's limit",
    help: "memory that the server may use",
  }),
  buckets: listSetting<string>("bucket", parseText, {
    flag: "NAME",
    environment: "KAKERA_BUCKETS",
    fallback: [],
    fallbackText: "none",
    help: "created if missing; may be repeated",
  }),
  region: setting<string>("region", parseText, {
    flag: "REGION",
    environment: "KAKERA_REGION",
    alsoUnderstood: ["MINIO_REGION", "MINIO_SITE_REGION", "RUSTFS_REGION"],
    fallback: "us-east-1",
    fallbackText: "us-east-1",
    help: "what is reported; any region is accepted in a signature",
  }),
  domains: listSetting<string>("domain", (text) => text.toLowerCase(), {
    flag: "NAME",
    environment: "KAKERA_DOMAIN",
    alsoUnderstood: ["MINIO_DOMAIN", "RUSTFS_SERVER_DOMAINS"],
    fallback: ["localhost"],
    fallbackText: "localhost",
    help: "for virtual-host addressing, BUCKET.NAME; may be repeated",
  }),
  certsDir: setting<string | null>("certs-dir", parseText, {
    flag: "DIR",
    short: "S",
    environment: "KAKERA_CERTS_DIR",
    alsoUnderstood: ["RUSTFS_TLS_PATH"],
    fallback: null,
    fallbackText: "none: plain HTTP",
    help: "public.crt and private.key, or tls.crt and tls.key",
  }),
  nodeCertsDir: setting<string | null>("node-certs-dir", parseText, {
    flag: "DIR",
    environment: "KAKERA_NODE_CERTS_DIR",
    fallback: null,
    fallbackText: "none: calls between nodes are sealed, and can be read",
    help: "certificate and key as in --certs-dir, and CAs/ or ca.crt: TLS between nodes, both ways",
  }),
  nodeTls: setting<"require" | "prefer">("node-tls", parseChoice(["require", "prefer"]), {
    flag: "require|prefer",
    environment: "KAKERA_NODE_TLS",
    fallback: "require",
    fallbackText: "require",
    help: "prefer: with --node-certs-dir, nodes without TLS are taken too, while it is rolled out",
  }),
  metricsAuth: setting<"jwt" | "public">("metrics-auth", parseChoice(["jwt", "public"]), {
    flag: "jwt|public",
    environment: "KAKERA_METRICS_AUTH",
    alsoUnderstood: ["MINIO_PROMETHEUS_AUTH_TYPE"],
    fallback: "jwt",
    fallbackText: "jwt",
    help: "who may read /metrics",
  }),
  etag: setting<"md5" | "fast">("etag", parseChoice(["md5", "fast"]), {
    flag: "md5|fast",
    environment: "KAKERA_ETAG",
    fallback: "md5",
    fallbackText: "md5",
    help: "what an ETag is; fast leaves MD5 out",
  }),
  auditFile: setting<string | null>("audit-file", parseText, {
    flag: "FILE",
    environment: "KAKERA_AUDIT_FILE",
    fallback: null,
    fallbackText: "none",
    help: "a line of JSON for each request, as MinIO's audit log has it; SIGHUP opens it anew",
  }),
  auditWebhookEndpoint: setting<string | null>("audit-webhook-endpoint", parseHttpUrl, {
    flag: "URL",
    environment: "KAKERA_AUDIT_WEBHOOK_ENDPOINT",
    alsoUnderstood: [foreignAuditNames.endpoint],
    fallback: null,
    fallbackText: "none",
    help: "where the same lines are posted to",
  }),
  auditWebhookToken: setting<string | null>("audit-webhook-auth-token", parseText, {
    isFlag: false,
    isSecret: true,
    environment: "KAKERA_AUDIT_WEBHOOK_AUTH_TOKEN",
    alsoUnderstood: [foreignAuditNames.token],
    fallback: null,
    fallbackText: "none",
    help: "what they are authorised with there",
  }),
  logLevel: setting<"debug" | "info" | "warn" | "error">("log-level", parseChoice(["debug", "info", "warn", "error"]), {
    flag: "LEVEL",
    environment: "KAKERA_LOG_LEVEL",
    fallback: "info",
    fallbackText: "info",
    help: "debug, info, warn or error",
  }),
  logFormat: setting<"json" | "text" | null>("log-format", parseChoice(["json", "text"]), {
    flag: "json|text",
    environment: "KAKERA_LOG_FORMAT",
    fallback: null,
    fallbackText: "text on a terminal, else json",
    help: "how log lines look",
  }),
  drainTimeoutMs: setting<number>("drain-timeout", parseDuration, {
    flag: "DURATION",
    environment: "KAKERA_DRAIN_TIMEOUT",
    fallback: 30 * SECOND_MS,
    fallbackText: "30s",
    help: "how long requests in flight may take to finish at the end",
  }),
  scrubIntervalMs: setting<number>("scrub-interval", parseDuration, {
    flag: "DURATION",
    environment: "KAKERA_SCRUB_INTERVAL",
    fallback: 7 * DAY_MS,
    fallbackText: "7d",
    help: "every shard is read and checked this often",
  }),
  staleUploadAgeMs: setting<number>("stale-upload-age", parseDuration, {
    flag: "DURATION",
    environment: "KAKERA_STALE_UPLOAD_AGE",
    fallback: 7 * DAY_MS,
    fallbackText: "7d",
    help: "unfinished multipart uploads are aborted at this age",
  }),
  trustedProxies: listSetting<string>("trusted-proxy", parseAddressBlock, {
    flag: "CIDR",
    environment: "KAKERA_TRUSTED_PROXIES",
    fallback: [],
    fallbackText: "none",
    help: "proxies whose X-Forwarded-For is believed; may be repeated",
  }),
  allowInsecureCredentials: setting<boolean>("allow-insecure-credentials", parseSwitch, {
    environment: "KAKERA_ALLOW_INSECURE_CREDENTIALS",
    fallback: false,
    fallbackText: "off",
    help: "let a cluster start with well-known credentials",
  }),
} as const satisfies Record<string, SettingSpec<unknown>>;

export type SettingKey = keyof typeof settingTable;

function parseText(text: string): string {
  if (text.trim() === "") throw new InvalidValue("a name");
  return text;
}

function parseClusterSecret(text: string): string {
  if (text.length < clusterSecretCharactersMin)
    throw new InvalidValue(`at least ${clusterSecretCharactersMin} characters long`);
  return text;
}

function offOnly(name: string): ForeignName {
  return { name, translate: (text) => (isOff(text) ? "off" : null) };
}

function etcdFile(environment: string, help: string) {
  return { flag: "FILE", environment, fallback: null, fallbackText: "none", help };
}

function domainName(environment: string, level: string) {
  return { flag: "NAME", environment, fallback: null, fallbackText: "none", help: `failure domain: ${level}` };
}
