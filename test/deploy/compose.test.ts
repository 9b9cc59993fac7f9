import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../harness/server.ts";
import { compose, words, type Service } from "./compose/compose-file.ts";
import { isHealthPath } from "./settings/health-paths.ts";
import { settingsOf } from "./settings/settings-of.ts";

function settingsOfService(name: string, service: Service) {
  return settingsOf({
    args: words(service.command),
    env: service.environment ?? {},
    hostName: service.hostname ?? name,
  });
}

const portsInside = (service: Service): number[] => (service.ports ?? []).map((port) => Number(port.split(":").at(-1)));
const mountsOf = (service: Service): string[] =>
  (service.volumes ?? []).map((volume) => volume.split(":").at(-1) as string);

describe("Milvus' compose file with Kakera in it", () => {
  const { services } = compose("milvus-standalone.yml");
  const minio = services["minio"] as Service;
  const milvus = services["standalone"] as Service;

  test("starts a server on the ports and with the keys that Milvus expects, on the volume that is mounted", () => {
    const settings = settingsOfService("minio", minio);
    expect(settings.role).toBe("server");
    expect(settings.credentials).toMatchObject({ accessKey: "minioadmin", secretKey: "minioadmin" });
    expect(portsInside(minio)).toEqual([settings.address.port, settings.consoleAddress?.port]);
    expect(settings.drives).toEqual(mountsOf(minio));
    expect(milvus.environment?.["MINIO_ADDRESS"]).toBe(`minio:${settings.address.port}`);
    expect(milvus.environment?.["MINIO_REGION"]).toBe(settings.region);
    expect(settings.etcd).toEqual([]);
  });

  test("asks for health where the server tells it", () => {
    const url = new URL(minio.healthcheck?.test.at(-1) as string);
    expect([url.port, isHealthPath(url.pathname)]).toEqual(["9000", true]);
  });

  test("is Milvus' own arrangement but for that service", () => {
    expect(Object.keys(services)).toEqual(["etcd", "minio", "standalone"]);
    expect(milvus.image).toMatch(/^milvusdb\/milvus:v2\.6\./);
    expect(milvus.depends_on).toEqual(["etcd", "minio"]);
    expect(milvus.ports).toEqual(["19530:19530", "9091:9091"]);
  });
});

describe("the compose file of a cluster", () => {
  const { services, volumes } = compose("cluster.yml");
  const nodes = Object.entries(services).filter(([, service]) => service.image.startsWith("kakera"));
  const members = Object.entries(services).filter(([, service]) => service.image.includes("etcd"));

  test("starts four nodes that wait for each other, reach each other by their names, and reach all of etcd", () => {
    expect(nodes.map(([name]) => name)).toEqual(["kakera1", "kakera2", "kakera3", "kakera4"]);
    for (const [name, service] of nodes) {
      const settings = settingsOfService(name, service);
      expect(settings.expectDomains).toBe(nodes.length);
      expect(settings.host).toBe(name);
      expect(settings.advertise).toEqual({ host: name, port: settings.nodeAddress.port });
      expect(settings.etcd).toEqual(members.map(([member]) => `http://${member}:2379`));
      expect(settings.drives).toEqual(mountsOf(service));
      expect(portsInside(service)[0]).toBe(settings.address.port);
    }
  });

  test("gives every member of etcd its own name, addresses and volume", () => {
    const cluster = members.map(([name]) => `${name}=http://${name}:2380`).join(",");
    for (const [name, service] of members) {
      const flags = words(service.command);
      expect(flags).toContain(`--name=${name}`);
      expect(flags).toContain(`--advertise-client-urls=http://${name}:2379`);
      expect(flags).toContain(`--initial-advertise-peer-urls=http://${name}:2380`);
      expect(flags).toContain(`--initial-cluster=${cluster}`);
      expect(flags).toContain(`--data-dir=${mountsOf(service)[0]}`);
    }
    const named = Object.values(services)
      .flatMap((service) => service.volumes ?? [])
      .map((volume) => volume.split(":")[0]);
    expect(new Set(named)).toEqual(new Set(Object.keys(volumes ?? {})));
  });

  test("runs the etcd that the suites run", () => {
    const module = readFileSync(join(root, "test", "harness", "etcd", "go.mod"), "utf8");
    const pinned = /go\.etcd\.io\/etcd\/server\/v3 (v\d+\.\d+\.\d+)/.exec(module)?.[1];
    expect(new Set(members.map(([, service]) => service.image))).toEqual(new Set([`quay.io/coreos/etcd:${pinned}`]));
  });

  test("does not start with keys that nobody has chosen", () => {
    expect(() => compose("cluster.yml", {})).toThrow("KAKERA_CLUSTER_SECRET: set it to at least 32 characters");
  });
});

test("a variable or a flag that the program does not know fails these tests", () => {
  const call = { args: ["server", "/data"], env: {}, hostName: "node" };
  expect(() => settingsOf({ ...call, env: { KAKERA_ETCD_ENDPOINT: "http://etcd:2379" } })).toThrow(
    "KAKERA_ETCD_ENDPOINTS",
  );
  expect(() => settingsOf({ ...call, env: { MINIO_CACHE_DRIVES: "/cache" } })).toThrow("MINIO_CACHE_DRIVES");
  expect(() => settingsOf({ ...call, args: ["server", "--adress", ":9000", "/data"] })).toThrow(
    "unknown flag --adress",
  );
  expect(isHealthPath("/minio/health/alive")).toBe(false);
});
