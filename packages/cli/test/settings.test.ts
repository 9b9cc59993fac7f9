import { describe, expect, test } from "vitest";
import { describeSettings } from "../src/config/describe-settings.ts";
import { formatOrigin } from "../src/config/raw-value.ts";
import { settingTable, type SettingKey } from "../src/config/setting-table.ts";
import type { SettingSpec } from "../src/config/setting-spec.ts";
import { resolveSettings, type Role } from "../src/config/resolve-settings.ts";
import { machine, readerOf, resolve } from "./sources.ts";

const secret = "s".repeat(32);
const cluster = {
  KAKERA_ETCD_ENDPOINTS: "http://e:2379",
  KAKERA_CLUSTER_SECRET: secret,
  KAKERA_ROOT_USER: "admin",
  KAKERA_ROOT_PASSWORD: "pass-of-root",
};

/** One row: the setting, a flag's arguments or null, the variable, the text, and what it means. */
const rows: readonly [key: SettingKey, flag: string | null, variable: string, text: string, meaning: unknown][] = [
  ["address", "--address", "KAKERA_ADDRESS", "10.0.0.1:9100", { host: "10.0.0.1", port: 9100 }],
  ["address", "--address", "MINIO_ADDRESS", ":9100", { host: "", port: 9100 }],
  ["address", "--address", "RUSTFS_ADDRESS", "[::1]:9100", { host: "::1", port: 9100 }],
  ["consoleAddress", "--console-address", "KAKERA_CONSOLE_ADDRESS", "off", null],
  ["consoleAddress", "--console-address", "MINIO_CONSOLE_ADDRESS", ":9101", { host: "", port: 9101 }],
  ["consoleAddress", null, "MINIO_BROWSER", "off", null],
  ["consoleAddress", "--console-address", "RUSTFS_CONSOLE_ADDRESS", ":9102", { host: "", port: 9102 }],
  ["consoleAddress", null, "RUSTFS_CONSOLE_ENABLE", "false", null],
  ["nodeAddress", "--node-address", "KAKERA_NODE_ADDRESS", ":9110", { host: "", port: 9110 }],
  ["advertise", "--advertise", "KAKERA_ADVERTISE", "n1:9110", { host: "n1", port: 9110 }],
  ["etcd", "--etcd", "KAKERA_ETCD_ENDPOINTS", "http://e1:2379,http://e2:2379", ["http://e1:2379", "http://e2:2379"]],
  ["allowOldEtcd", null, "KAKERA_ALLOW_OLD_ETCD", "1", true],
  ["etcdPrefix", "--etcd-prefix", "KAKERA_ETCD_PREFIX", "/other/", "/other/"],
  ["etcdCompaction", "--etcd-compaction", "KAKERA_ETCD_COMPACTION", "leader", "leader"],
  ["etcdQuotaBytes", "--etcd-quota", "KAKERA_ETCD_QUOTA", "8GiB", 8 * 2 ** 30],
  ["etcdCaCert", "--etcd-cacert", "KAKERA_ETCD_CACERT", "/ca", "/ca"],
  ["etcdCert", "--etcd-cert", "KAKERA_ETCD_CERT", "/cert", "/cert"],
  ["etcdKey", "--etcd-key", "KAKERA_ETCD_KEY", "/key", "/key"],
  ["etcdUsername", "--etcd-username", "KAKERA_ETCD_USERNAME", "kakera", "kakera"],
  ["etcdPassword", null, "KAKERA_ETCD_PASSWORD", "hush", "hush"],
  ["clusterSecret", null, "KAKERA_CLUSTER_SECRET", secret, secret],
  ["expectDomains", "--expect-domains", "KAKERA_EXPECT_DOMAINS", "6", 6],
  ["zone", "--zone", "KAKERA_ZONE", "z1", "z1"],
  ["rack", "--rack", "KAKERA_RACK", "r1", "r1"],
  ["host", "--host", "KAKERA_HOST", "h1", "h1"],
  ["geometry", "--geometry", "KAKERA_GEOMETRY", "4+2", { kind: "exact", geometry: { k: 4, m: 2 } }],
  ["geometry", null, "MINIO_STORAGE_CLASS_STANDARD", "EC:2", { kind: "parity", m: 2 }],
  ["stateDir", "--state-dir", "KAKERA_STATE_DIR", "/state", "/state"],
  ["processes", "--processes", "KAKERA_PROCESSES", "3", 3],
  ["memoryMaxBytes", "--memory-max", "KAKERA_MEMORY_MAX", "2GiB", 2 ** 31],
  ["buckets", "--bucket", "KAKERA_BUCKETS", "a-bucket,b-bucket", ["a-bucket", "b-bucket"]],
  ["region", "--region", "KAKERA_REGION", "eu-1", "eu-1"],
  ["region", null, "MINIO_REGION", "eu-2", "eu-2"],
  ["region", null, "MINIO_SITE_REGION", "eu-3", "eu-3"],
  ["region", null, "RUSTFS_REGION", "eu-4", "eu-4"],
  ["domains", "--domain", "KAKERA_DOMAIN", "S3.example.org", ["s3.example.org"]],
  ["domains", null, "MINIO_DOMAIN", "a.example,b.example", ["a.example", "b.example"]],
  ["domains", null, "RUSTFS_SERVER_DOMAINS", "c.example", ["c.example"]],
  ["certsDir", "--certs-dir", "KAKERA_CERTS_DIR", "/certs", "/certs"],
  ["certsDir", "-S", "RUSTFS_TLS_PATH", "/certs", "/certs"],
  ["nodeCertsDir", "--node-certs-dir", "KAKERA_NODE_CERTS_DIR", "/certs", "/certs"],
  ["nodeTls", "--node-tls", "KAKERA_NODE_TLS", "prefer", "prefer"],
  ["metricsAuth", "--metrics-auth", "KAKERA_METRICS_AUTH", "public", "public"],
  ["metricsAuth", null, "MINIO_PROMETHEUS_AUTH_TYPE", "public", "public"],
  ["etag", "--etag", "KAKERA_ETAG", "fast", "fast"],
  ["auditFile", "--audit-file", "KAKERA_AUDIT_FILE", "/var/log/audit", "/var/log/audit"],
  ["auditWebhookEndpoint", "--audit-webhook-endpoint", "KAKERA_AUDIT_WEBHOOK_ENDPOINT", "http://a:1/b", "http://a:1/b"],
  ["auditWebhookToken", null, "KAKERA_AUDIT_WEBHOOK_AUTH_TOKEN", "hush", "hush"],
  ["logLevel", "--log-level", "KAKERA_LOG_LEVEL", "debug", "debug"],
  ["logFormat", "--log-format", "KAKERA_LOG_FORMAT", "text", "text"],
  ["drainTimeoutMs", "--drain-timeout", "KAKERA_DRAIN_TIMEOUT", "1m30s", 90_000],
  ["scrubIntervalMs", "--scrub-interval", "KAKERA_SCRUB_INTERVAL", "2d", 172_800_000],
  ["staleUploadAgeMs", "--stale-upload-age", "KAKERA_STALE_UPLOAD_AGE", "12h", 43_200_000],
  ["trustedProxies", "--trusted-proxy", "KAKERA_TRUSTED_PROXIES", "10.0.0.0/8 fd00::/8", ["10.0.0.0/8", "fd00::/8"]],
  ["allowInsecureCredentials", null, "KAKERA_ALLOW_INSECURE_CREDENTIALS", "1", true],
];

describe("every row of the contract's table", () => {
  test.each(rows)("%s by %s and %s", (key, flag, variable, text, meaning) => {
    const byVariable = resolve({ environment: { ...cluster, [variable]: text } });
    expect(byVariable.settings[key as "address"]).toEqual(meaning);
    expect(byVariable.origins.get(key)).toEqual({ kind: "environment", name: variable });
    if (flag === null) return;
    const byFlag = resolve({ argv: [flag, text], environment: cluster });
    expect(byFlag.settings[key as "address"]).toEqual(meaning);
    expect(byFlag.origins.get(key)?.kind).toBe("flag");
  });

  test("no setting is without a row here", () => {
    const rowed = new Set<string>(["volumes", ...rows.map(([key]) => key)]);
    expect(Object.keys(settingTable).filter((key) => !rowed.has(key))).toEqual([]);
  });

  test("the defaults are the contract's", () => {
    const { settings } = resolve();
    expect(settings).toMatchObject({
      address: { host: "", port: 9000 },
      consoleAddress: { host: "", port: 9001 },
      nodeAddress: { host: "", port: 9010 },
      advertise: { host: "box", port: 9010 },
      etcd: [],
      allowOldEtcd: false,
      etcdPrefix: "/kakera/",
      etcdCompaction: "auto",
      etcdQuotaBytes: null,
      expectDomains: null,
      host: "box",
      geometry: null,
      stateDir: null,
      processes: 1,
      memoryMaxBytes: null,
      credentials: null,
      buckets: [],
      region: "us-east-1",
      domains: ["localhost"],
      certsDir: null,
      metricsAuth: "jwt",
      etag: "md5",
      logLevel: "info",
      logFormat: "json",
      drainTimeoutMs: 30_000,
      scrubIntervalMs: 604_800_000,
      staleUploadAgeMs: 604_800_000,
      trustedProxies: [],
      allowInsecureCredentials: false,
    });
    expect(resolve({ machine: { memoryLimitBytes: 1000 } }).settings.memoryMaxBytes).toBe(800);
    expect(resolve({ machine: { isTerminal: true } }).settings.logFormat).toBe("text");
    const processesOf = (coreCount: number, role: Role = "server"): number =>
      resolveSettings({
        role,
        argv: ["/d", "--processes", "auto"],
        environment: cluster,
        readText: readerOf({}),
        machine: { ...machine, coreCount },
      }).settings.processes;
    expect([processesOf(1), processesOf(2), processesOf(8), processesOf(8, "storage-node")]).toEqual([1, 1, 7, 1]);
  });

  test("switches are flags without a value", () => {
    const { settings } = resolve({ argv: ["--allow-old-etcd", "--allow-insecure-credentials"] });
    expect(settings).toMatchObject({ allowOldEtcd: true, allowInsecureCredentials: true });
  });

  test("repeated flags add up", () => {
    const { settings } = resolve({
      argv: ["--bucket", "one", "--bucket", "two", "--domain", "a", "--domain", "b", "--trusted-proxy", "::1"],
    });
    expect(settings).toMatchObject({ buckets: ["one", "two"], domains: ["a", "b"], trustedProxies: ["::1/128"] });
  });
});

describe("precedence", () => {
  const files = {
    "/c.yaml": "address: ':4'\nregion: file\n",
    "/c.env": "MINIO_ADDRESS=:5\nexport MINIO_DOMAIN='env.file'\n# note\n",
  };

  test("a flag wins over the environment, that over the file, that over the default", () => {
    const environment = { KAKERA_CONFIG: "/c.yaml", MINIO_CONFIG_ENV_FILE: "/c.env" };
    const port = (argv: string[], more: Record<string, string>): number =>
      resolve({ argv, environment: { ...environment, ...more }, files }).settings.address.port;
    expect(port(["--address", ":1"], { KAKERA_ADDRESS: ":2", MINIO_ADDRESS: ":3" })).toBe(1);
    expect(port([], { KAKERA_ADDRESS: ":2", MINIO_ADDRESS: ":3" })).toBe(2);
    expect(port([], { MINIO_ADDRESS: ":3" })).toBe(3);
    expect(port([], {})).toBe(4);
    const { settings, origins } = resolve({ environment, files });
    expect(settings).toMatchObject({ region: "file", domains: ["env.file"] });
    expect(formatOrigin(origins.get("region") ?? { kind: "default" })).toBe("region in /c.yaml");
    expect(resolve({ environment: { MINIO_CONFIG_ENV_FILE: "/c.env" }, files }).settings.address.port).toBe(5);
  });

  test("--config wins over KAKERA_CONFIG", () => {
    const two = { ...files, "/d.yaml": "consoleAddress: off\nlog_level: warn\n" };
    const { settings } = resolve({
      argv: ["--config", "/d.yaml"],
      environment: { KAKERA_CONFIG: "/c.yaml" },
      files: two,
    });
    expect(settings).toMatchObject({ consoleAddress: null, logLevel: "warn", region: "us-east-1" });
  });

  test("an empty variable is not set", () => {
    expect(resolve({ environment: { KAKERA_ADDRESS: "", MINIO_ADDRESS: ":3" } }).settings.address.port).toBe(3);
  });
});

describe("what is wrong stops the start with exit code 2", () => {
  const failure = (sentence: string, remedy?: string) =>
    expect.objectContaining({
      exitCode: 2,
      message: expect.stringContaining(sentence) as string,
      ...(remedy === undefined ? {} : { remedy: expect.stringContaining(remedy) as string }),
    }) as Error;

  test.each([
    [["--adress", ":1"], "unknown flag --adress", "--address"],
    [["--geometri=4+2"], "unknown flag --geometri", "--geometry"],
    [["--address"], "argument missing", "--help"],
    [["--address", "x"], '--address: "x" is not HOST:PORT', undefined],
    [["--address", ":70000"], "is not HOST:PORT", undefined],
    [["--geometry", "0+2"], "is not K+M", undefined],
    [["--drain-timeout", "30"], "is not a duration", undefined],
    [["--memory-max", "much"], "is not a size", undefined],
    [["--etag", "sha"], "is not md5 or fast", undefined],
    [["--processes", "0"], "is not a whole number", undefined],
    [["--processes", "101"], "is not a whole number up to 100", undefined],
    [["--trusted-proxy", "10.0.0.0/33"], "is not an address block", undefined],
    [["--etcd", "e:2379"], "is not a URL", undefined],
    [["/d1", "/d1"], "given twice", undefined],
    [["http://n{1...4}/data"], "needs --etcd", undefined],
    [["--secret-key", "hush"], "not taken on the command line", "_FILE"],
    [["--root-password=hush"], "not taken on the command line", "_FILE"],
  ])("%j", (argv, sentence, remedy) => {
    expect(() => resolve({ argv })).toThrow(failure(sentence, remedy));
  });

  test("no drive", () => {
    expect(() => resolve({ argv: ["--fallback-drives", "{}"] })).toThrow(failure("neither a range nor a list"));
  });

  test("an unknown key of a file, with the nearest name", () => {
    const files = { "/c.yaml": "adress: ':1'" };
    expect(() => resolve({ argv: ["--config", "/c.yaml"], files })).toThrow(
      failure('unknown key "adress" in /c.yaml', "address"),
    );
  });

  test("a secret in a file of settings", () => {
    const files = { "/c.yaml": `cluster-secret: ${secret}` };
    expect(() => resolve({ argv: ["--config", "/c.yaml"], files })).toThrow(failure("unknown key"));
  });

  test.each([["[1, 2"], ["- a\n- b"], ["region: {a: 1}"]])("a file that is not names with values: %j", (text) => {
    expect(() => resolve({ argv: ["--config", "/c.yaml"], files: { "/c.yaml": text } })).toThrow(failure("/c.yaml"));
  });

  test("a file that is not there", () => {
    expect(() => resolve({ argv: ["--config", "/none"] })).toThrow(failure("cannot be read"));
  });

  test("a cluster without secret, with a short one, and without root credentials", () => {
    const { KAKERA_CLUSTER_SECRET: _, ...open } = cluster;
    expect(() => resolve({ environment: open })).toThrow(failure("KAKERA_CLUSTER_SECRET"));
    expect(() => resolve({ environment: { ...cluster, KAKERA_CLUSTER_SECRET: "short" } })).toThrow(
      failure("at least 32"),
    );
    const { KAKERA_ROOT_USER: _user, KAKERA_ROOT_PASSWORD: _password, ...anonymous } = cluster;
    expect(() => resolve({ environment: anonymous })).toThrow(failure("needs root credentials"));
  });
});

describe("secrets", () => {
  test("come from files as well, without the newline at the end", () => {
    const { KAKERA_CLUSTER_SECRET: _, ...open } = cluster;
    const environment = { ...open, KAKERA_CLUSTER_SECRET_FILE: "/s", KAKERA_ETCD_PASSWORD_FILE: "/p" };
    const { settings } = resolve({ environment, files: { "/s": `${secret}\n`, "/p": "hush\n" } });
    expect(settings).toMatchObject({ clusterSecret: secret, etcdPassword: "hush" });
  });

  test("are masked where the configuration is shown", () => {
    const described = describeSettings(resolve({ environment: { ...cluster, KAKERA_ETCD_PASSWORD: "hush-hush" } }));
    const text = JSON.stringify(described);
    expect(text).not.toContain(secret);
    expect(text).not.toContain("hush-hush");
    expect(text).not.toContain(cluster.KAKERA_ROOT_PASSWORD);
    expect(described).toContainEqual({ name: "cluster-secret", value: "********", origin: "KAKERA_CLUSTER_SECRET" });
    expect(described).toContainEqual({ name: "address", value: ":9000", origin: "default" });
  });

  test("a value that is wrong is not told when it is a secret", () => {
    expect(() => resolve({ environment: { ...cluster, KAKERA_CLUSTER_SECRET: "too-short" } })).not.toThrow(/too-short/);
  });
});

test("every setting is shown with where it came from", () => {
  const described = describeSettings(resolve({ argv: ["--region", "x"] }));
  const specs = Object.values(settingTable) as SettingSpec<unknown>[];
  expect(described.length).toBe(specs.length + 1);
  expect(described).toContainEqual({ name: "region", value: "x", origin: "--region" });
});

describe("unknown variables", () => {
  test("are warned of, with the nearest name", () => {
    expect(resolve({ environment: { KAKERA_ADRESS: ":1" } }).warnings).toEqual([
      "KAKERA_ADRESS is not a setting; did you mean KAKERA_ADDRESS?",
    ]);
  });

  test("of Kubernetes are passed over in silence", () => {
    const environment = {
      KAKERA_SERVICE_HOST: "10.0.0.1",
      KAKERA_SERVICE_PORT: "9000",
      KAKERA_SERVICE_PORT_S3: "9000",
      KAKERA_PORT: "tcp://10.0.0.1:9000",
      KAKERA_PORT_9000_TCP_ADDR: "10.0.0.1",
      KAKERA_CONSOLE_SERVICE_HOST: "10.0.0.2",
      KAKERA_CONSOLE_PORT_9001_TCP: "tcp://10.0.0.2:9001",
    };
    expect(resolve({ environment }).warnings).toEqual([]);
  });

  test("of others, and all known ones, are not warned of", () => {
    const environment = {
      MINIO_WHATEVER: "1",
      KAKERA_ROOT_USER_FILE: "/u",
      KAKERA_ROOT_PASSWORD_FILE: "/p",
      KAKERA_ENDPOINT: "x",
    };
    expect(resolve({ environment, files: { "/u": "admin", "/p": "password" } }).warnings).toEqual([]);
  });
});

describe("drives", () => {
  test("come as arguments, by our variable, by the others' and as a fallback", () => {
    expect(resolve({ argv: ["/a{1...2}", "b"] }).settings.drives).toEqual(["/a1", "/a2", "/srv/b"]);
    expect(resolve({ environment: { KAKERA_VOLUMES: "/a{1...2} /b", MINIO_VOLUMES: "/c" } }).settings.drives).toEqual([
      "/a1",
      "/a2",
      "/b",
    ]);
    expect(resolve({ environment: { MINIO_VOLUMES: "/c{1..2}" } }).settings.drives).toEqual(["/c1", "/c2"]);
    expect(resolve({ environment: { RUSTFS_VOLUMES: "/e" } }).settings.drives).toEqual(["/e"]);
    expect(resolve().settings.drives).toEqual(["/d"]);
    expect(
      resolve({ argv: ["--config", "/c"], files: { "/c": "volumes: [/x, '/y{1...2}']" } }).settings.drives,
    ).toEqual(["/x", "/y1", "/y2"]);
  });

  test("of a cluster are those of this host, and the hosts are counted", () => {
    const argv = ["http://node{1...4}:9000/data{1...2}"];
    const { settings } = resolve({ argv, environment: cluster, machine: { hostName: "node3" } });
    expect(settings.drives).toEqual(["/data1", "/data2"]);
    expect(settings.expectDomains).toBe(4);
    expect(() => resolve({ argv, environment: cluster })).toThrow(/none of the drives' hosts/);
  });
});

describe("flags of other servers", () => {
  test.each([
    [["--console-enable", "/a"], { drives: ["/a"] }],
    [["--console-enable", "false", "/a"], { consoleAddress: null, drives: ["/a"] }],
    [["--console-enable=false"], { consoleAddress: null }],
    [["--no-compat"], { etag: "fast" }],
    [["--json", "--anonymous"], { logFormat: "json" }],
    [["--quiet"], { logLevel: "warn" }],
  ])("%j", (argv, expected) => {
    expect(resolve({ argv }).settings).toMatchObject(expected);
  });
});

describe("a part of a server", () => {
  const { KAKERA_ETCD_ENDPOINTS: _, ...environment } = cluster;
  const resolveAs = (role: Role, argv: readonly string[]) =>
    resolveSettings({ argv, role, environment, readText: readerOf({}), machine }).settings;

  test("a gateway has no drives, and an etcd", () => {
    expect(resolveAs("gateway", ["--etcd", "http://e:2379"])).toMatchObject({ role: "gateway", drives: [] });
    expect(() => resolveAs("gateway", ["--etcd", "http://e:2379", "/data"])).toThrow(/has no drives/);
    expect(() => resolveAs("gateway", [])).toThrow(/part of a cluster/);
  });

  test("a storage node has drives, and an etcd", () => {
    expect(resolveAs("storage-node", ["--etcd", "http://e:2379", "/data{1...2}"]).drives).toEqual(["/data1", "/data2"]);
    expect(() => resolveAs("storage-node", ["/data"])).toThrow(/part of a cluster/);
    expect(() => resolveAs("storage-node", ["--etcd", "http://e:2379"])).toThrow(/no drive folder/);
  });
});
