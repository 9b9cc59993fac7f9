import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { kakera } from "../harness/kakera.ts";
import { root } from "../harness/server.ts";
import { chartFolder, obtainChartProgram, type ChartProgram } from "./charts/chart-program.ts";
import {
  environmentOf,
  Manifests,
  selects,
  type ContainerSpec,
  type Labels,
  type Manifest,
  type PodSpec,
  type Workload,
} from "./charts/manifests.ts";
import { isHealthPath } from "./settings/health-paths.ts";
import { settingsOf } from "./settings/settings-of.ts";

const program = obtainChartProgram("deploy chart");
const helm = program as ChartProgram;
const values = (name: string): string => join(import.meta.dirname, "values", `${name}.yaml`);
const [release, namespace] = ["store", "objects"];
const sets = ["converged", "split", "standalone", "one-etcd"] as const;

async function rendered(name: (typeof sets)[number]): Promise<Manifests> {
  const { manifests, failures } = await helm.render(release, namespace, [values(name)]);
  expect(failures).toEqual([]);
  return new Manifests(manifests);
}

/** What the Secret that is mounted at `keys` holds: the chart's own, or one that somebody is told to make. */
function keysOf(manifests: Manifests, pod: PodSpec): Record<string, string> {
  const name = pod.volumes?.find((volume) => volume.name === "keys")?.secret?.secretName;
  const made = manifests.of("Secret").find((secret) => secret.metadata.name === name)?.stringData;
  return { ...(made ?? { rootUser: "operator", rootPassword: "a-long-password", clusterSecret: "s".repeat(40) }) };
}

/** Files of the Secrets that a container mounts, as it sees them. */
function filesOf(manifests: Manifests, pod: PodSpec, container: ContainerSpec): Record<string, string> {
  const mounted = (name: string): string | undefined =>
    container.volumeMounts.find((mount) => mount.name === name)?.mountPath;
  const keys = Object.entries(keysOf(manifests, pod)).map(([key, text]) => [`${mounted("keys")}/${key}`, text]);
  return { ...Object.fromEntries(keys), [`${mounted("etcd")}/password`]: "of-etcd" };
}

const kakeraWorkloads = (manifests: Manifests): Workload[] =>
  manifests.workloads.filter((workload) => workload.spec.template.spec.containers[0]?.name === "kakera");

function settingsOfWorkload(manifests: Manifests, workload: Workload) {
  const { spec } = workload.spec.template;
  const container = spec.containers[0] as ContainerSpec;
  const pod = { name: `${workload.metadata.name}-0`, ip: "10.0.0.7" };
  const env = environmentOf(container, pod);
  const files = filesOf(manifests, spec, container);
  return { container, spec, pod, settings: settingsOf({ args: container.args, env, hostName: pod.name, files }) };
}

describe.skipIf(program === null)("the chart", () => {
  test.each(sets)("has nothing that helm lint complains of, with the values %s", async (name) => {
    expect((await helm.lint([values(name)])).failures).toEqual([]);
  });

  test.each(sets)("becomes objects that Kubernetes defines so, with the values %s", async (name) => {
    const { failures, unknown } = await helm.render(release, namespace, [values(name)]);
    expect(failures).toEqual([]);
    // cert-manager's types are not asked; a test below looks at what it has.
    expect(unknown).toEqual(name === "split" ? ["Certificate"] : []);
  });

  test.each(sets)(
    "calls the program with flags and variables that it knows, and it starts on what is mounted: %s",
    async (name) => {
      const manifests = await rendered(name);
      for (const workload of kakeraWorkloads(manifests)) {
        const { container, spec, settings } = settingsOfWorkload(manifests, workload);
        const ports = Object.fromEntries((container.ports ?? []).map((port) => [port.name, port.containerPort]));
        expect(ports["s3"]).toBe(settings.address.port);
        expect(ports["console"]).toBe(settings.consoleAddress?.port);
        if (name !== "standalone") expect(ports["node"]).toBe(settings.nodeAddress.port);
        const mounts = container.volumeMounts.map((mount) => mount.mountPath);
        expect(mounts.filter((path) => path.startsWith("/data"))).toEqual(settings.drives);
        if (settings.stateDir !== null) expect(mounts).toContain(settings.stateDir);
        for (const path of [settings.certsDir, settings.etcdCaCert, settings.etcdCert, settings.etcdKey])
          if (path !== null) expect(mounts.some((mount) => path.startsWith(mount))).toBe(true);
        expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(settings.drainTimeoutMs / 1000 + 10);
      }
    },
  );

  test.each(sets)("asks for health where the server tells it, and lets nobody die for etcd: %s", async (name) => {
    for (const workload of kakeraWorkloads(await rendered(name))) {
      const container = workload.spec.template.spec.containers[0] as ContainerSpec;
      const { startupProbe, livenessProbe, readinessProbe } = container;
      for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
        expect(isHealthPath(httpGet.path)).toBe(true);
        expect(container.ports?.map((port) => port.name)).toContain(httpGet.port);
        expect(httpGet.scheme).toBe(name === "split" || name === "standalone" ? "HTTPS" : "HTTP");
      }
      expect([startupProbe, livenessProbe, readinessProbe].map((probe) => probe.httpGet.path)).toEqual([
        "/health/live",
        "/health/live",
        "/health/ready",
      ]);
    }
  });

  test.each(sets)("gives no pod a privilege, a token or the addresses of Services: %s", async (name) => {
    const manifests = await rendered(name);
    const pods = [
      ...manifests.workloads.map((workload) => workload.spec.template.spec),
      ...manifests.of("Pod").map((pod) => pod.spec as PodSpec),
    ];
    for (const pod of pods) {
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.enableServiceLinks).toBe(false);
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
      for (const container of pod.containers)
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
    }
  });

  test.each(sets)("lets Services, budgets and policies find exactly the pods that they are for: %s", async (name) => {
    const manifests = await rendered(name);
    const pods = manifests.workloads.map((workload) => ({
      of: workload.metadata.name,
      labels: workload.spec.template.metadata.labels,
      container: workload.spec.template.spec.containers[0] as ContainerSpec,
    }));
    const chosen = (selector: Labels): string[] =>
      pods.filter(({ labels }) => selects(selector, labels)).map(({ of }) => of);
    const served = name === "split" ? "store-kakera-gateway" : "store-kakera";
    expect(chosen(manifests.named<(typeof manifests.services)[0]>("Service", "store-kakera").spec.selector)).toEqual([
      served,
    ]);
    for (const workload of manifests.workloads) {
      expect(chosen(workload.spec.selector.matchLabels)).toEqual([workload.metadata.name]);
      for (const { labelSelector } of workload.spec.template.spec.topologySpreadConstraints ?? [])
        expect(chosen(labelSelector.matchLabels)).toEqual([workload.metadata.name]);
    }
    for (const service of manifests.services) {
      for (const pod of pods.filter(({ labels }) => selects(service.spec.selector, labels)))
        expect(pod.container.ports?.map((port) => port.name)).toEqual(
          expect.arrayContaining(service.spec.ports.map((port) => port.targetPort)),
        );
      // helm test's pod serves nothing.
      for (const pod of manifests.of("Pod"))
        expect(selects(service.spec.selector, pod.metadata.labels ?? {})).toBe(false);
    }
    for (const budget of manifests.of("PodDisruptionBudget"))
      expect(chosen((budget.spec as { selector: { matchLabels: Labels } }).selector.matchLabels)).toEqual([
        budget.metadata.name,
      ]);
    for (const policy of manifests.of("NetworkPolicy"))
      expect(
        chosen((policy.spec as { podSelector: { matchLabels: Labels } }).podSelector.matchLabels).every(
          (each) => each.endsWith("etcd") === policy.metadata.name.endsWith("etcd"),
        ),
      ).toBe(true);
  });

  test.each(["converged", "split", "one-etcd"] as const)(
    "lets nodes find each other before they are ready, and all of etcd: %s",
    async (name) => {
      const manifests = await rendered(name);
      const set = manifests.named<Workload>("StatefulSet", "store-kakera");
      const { settings, pod } = settingsOfWorkload(manifests, set);
      const headless = manifests.services.find((service) => service.metadata.name === set.spec.serviceName);
      expect(headless?.spec).toMatchObject({ clusterIP: "None", publishNotReadyAddresses: true });
      expect(settings.advertise?.host).toBe(`${pod.name}.${set.spec.serviceName}.${namespace}.svc.cluster.local`);
      expect(settings.host).toBe(pod.name);
      expect(settings.expectDomains).toBe(set.spec.replicas);
      expect(set.spec).toMatchObject({
        podManagementPolicy: "Parallel",
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      });
      for (const gateway of manifests.of<Workload>("Deployment"))
        expect(settingsOfWorkload(manifests, gateway).settings.advertise).toEqual({ host: "10.0.0.7", port: 9010 });
      const etcd = manifests.of<Workload>("StatefulSet").find((each) => each.metadata.name === "store-kakera-etcd");
      if (etcd === undefined) expect(settings.etcd).toEqual(["https://etcd-a:2379", "https://etcd-b:2379"]);
      else {
        const hosts = Array.from(
          { length: etcd.spec.replicas },
          (_, index) => `store-kakera-etcd-${index}.${etcd.spec.serviceName}.${namespace}.svc.cluster.local`,
        );
        expect(settings.etcd).toEqual(hosts.map((host) => `http://${host}:2379`));
        const members = hosts.map((host, index) => `store-kakera-etcd-${index}=http://${host}:2380`).join(",");
        expect(etcd.spec.template.spec.containers[0]?.args).toContain(`--initial-cluster=${members}`);
      }
    },
  );

  test("waits before it stops a node that the cluster cannot do without, and has time for it", async () => {
    const set = (await rendered("converged")).named<Workload>("StatefulSet", "store-kakera");
    const { terminationGracePeriodSeconds, containers } = set.spec.template.spec;
    const script = containers[0]?.lifecycle?.preStop.exec?.command.at(-1) ?? "";
    expect(script).toContain("/minio/health/cluster?maintenance=true");
    const waitSeconds = Number(/\+ (\d+)\)\)/.exec(script)?.[1]);
    expect(waitSeconds).toBe(60);
    expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(waitSeconds + 30 + 20);
    const distroless = (await rendered("split")).named<Workload>("StatefulSet", "store-kakera").spec.template.spec
      .containers[0];
    expect(distroless?.lifecycle?.preStop).toEqual({ sleep: { seconds: 5 } });
    expect(distroless?.image).toBe("kakera:0.1.0-distroless");
  });

  test("declares its buckets, and asks cert-manager for the names that clients use", async () => {
    const converged = await rendered("converged");
    const set = converged.named<Workload>("StatefulSet", "store-kakera");
    expect(settingsOfWorkload(converged, set).settings).toMatchObject({
      buckets: ["milvus-bucket", "second"],
      geometry: { kind: "exact", geometry: { k: 2, m: 2 } },
      domains: ["s3.example.com", "objects.example.com"],
    });
    const certificate = (await rendered("split")).named<Manifest>("Certificate", "store-kakera").spec as {
      dnsNames: string[];
      secretName: string;
    };
    expect(certificate.dnsNames).toEqual(
      expect.arrayContaining([
        "store-kakera.objects.svc",
        "*.store-kakera-nodes.objects.svc.cluster.local",
        "s3.example.com",
      ]),
    );
    expect(certificate.secretName).toBe("store-kakera-tls");
  });

  test("gives helm test commands that the program has: with nobody there they end with 3", async () => {
    const pod = (await rendered("converged")).named<Manifest>("Pod", "store-kakera-test");
    const endpoint = "http://store-kakera.objects.svc:9000";
    for (const { args } of (pod.spec as PodSpec).containers) {
      expect(args).toContain(endpoint);
      const ran = await kakera(...args.map((word) => (word === endpoint ? "http://127.0.0.1:1" : word)));
      expect([ran.code, ran.stderr]).toEqual([3, expect.stringContaining("127.0.0.1:1")]);
    }
  });

  test("gives what monitoring there is to those who ask for it", async () => {
    const converged = await rendered("converged");
    const monitor = converged.named("ServiceMonitor", "store-kakera").spec as {
      selector: { matchLabels: Labels };
      endpoints: { port: string; path: string }[];
    };
    const scraped = converged.services.filter((service) =>
      selects(monitor.selector.matchLabels, service.metadata.labels ?? {}),
    );
    expect(scraped.map((service) => service.metadata.name)).toEqual(["store-kakera-nodes"]);
    expect(monitor.endpoints).toMatchObject([
      { port: "s3", path: "/metrics", authorization: { credentials: { name: "kakera-token", key: "token" } } },
    ]);
    const files = readFolder(join(chartFolder, "files"));
    expect(converged.of("PrometheusRule")).toHaveLength(files.includes("kakera-alerts.yml") ? 1 : 0);
    const dashboards = readFolder(join(chartFolder, "files", "dashboards"));
    expect(converged.of("ConfigMap").flatMap((each) => Object.keys(each.data ?? {}))).toEqual(dashboards);
  });

  test("has the alerts and dashboards of deploy, letter by letter (node test/deploy/write-manifests.ts)", () => {
    const alerts = "kakera-alerts.yml";
    expect(readText(join(chartFolder, "files", alerts))).toBe(readText(join(root, "deploy", "prometheus", alerts)));
    const dashboards = readFolder(join(root, "deploy", "grafana")).filter((name) => name.endsWith(".json"));
    expect(readFolder(join(chartFolder, "files", "dashboards"))).toEqual(dashboards);
    for (const name of dashboards)
      expect(readText(join(chartFolder, "files", "dashboards", name))).toBe(
        readText(join(root, "deploy", "grafana", name)),
      );
  });
});

describe.skipIf(program === null)("the chart refuses", () => {
  const refusals: readonly { readonly what: string; readonly text: string; readonly says: string }[] = [
    { what: "no keys", text: "mode: standalone", says: "credentials: name a Secret" },
    {
      what: "keys that everybody knows",
      text: "mode: standalone\ncredentials: { rootUser: minioadmin, rootPassword: minioadmin }",
      says: "everybody knows minioadmin",
    },
    {
      what: "a cluster without a secret",
      text: "credentials: { rootUser: operator, rootPassword: a-long-password }",
      says: "clusterSecret of at least 32 characters",
    },
    {
      what: "a cluster without etcd",
      text: "credentials: { existingSecret: keys }\netcd: { bundled: false }",
      says: "name etcd.endpoints",
    },
    {
      what: "TLS without a certificate",
      text: "credentials: { existingSecret: keys }\ntls: { enabled: true }",
      says: "tls.existingSecret",
    },
    {
      what: "a scraper without a token",
      text: "credentials: { existingSecret: keys }\nmetrics: { serviceMonitor: { enabled: true } }",
      says: "a scraper needs a token",
    },
    {
      what: "a value that it does not know",
      text: "credentials: { existingSecret: keys }\nreplicaCount: 4",
      says: "replicaCount",
    },
    { what: "a geometry that is none", text: "credentials: { existingSecret: keys }\ngeometry: two", says: "geometry" },
  ];
  test.each(refusals)("$what", async ({ text, says }) => {
    const folder = mkdtempSync(join(tmpdir(), "kakera-values-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "values.yaml"), text);
    const { failures } = await helm.render(release, namespace, [join(folder, "values.yaml")]);
    expect(failures.join("\n")).toContain(says);
  });
});

describe("values for Milvus' chart", () => {
  const { minio, externalS3 } = parse(readFileSync(join(root, "deploy", "helm", "milvus-values.yaml"), "utf8")) as {
    minio: Record<string, unknown>;
    externalS3: Record<string, unknown>;
  };
  test("turn its MinIO off and name the Service of a release kakera in a namespace kakera", () => {
    expect(minio).toEqual({ enabled: false });
    expect(externalS3).toMatchObject({
      enabled: true,
      host: "kakera.kakera.svc",
      port: "9000",
      cloudProvider: "aws",
      useSSL: false,
    });
  });
});

function readFolder(path: string): string[] {
  return existsSync(path) ? readdirSync(path).sort() : [];
}

function readText(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}
