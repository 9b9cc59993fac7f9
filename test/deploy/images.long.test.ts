import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { canPartition, TestNetwork } from "../harness/network.ts";
import { createS3Client } from "../harness/request.ts";
import { testCredentials } from "../harness/server.ts";
import { buildImages, type Images } from "./container/build-images.ts";
import { Container, type ContainerOptions, type Image } from "./container/container.ts";

const images = canPartition("deploy images") ? await buildImages("deploy images") : null;
const rootKey = { KAKERA_ROOT_USER: testCredentials.accessKey, KAKERA_ROOT_PASSWORD: testCredentials.secretKey };
const imageUser = { uid: 10_001, gid: 0 };

interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}
interface StartOptions extends Omit<ContainerOptions, "volumes"> {
  /** Where the volume is mounted; /data otherwise. */
  readonly target?: string;
  /** Of the volume; the image's user otherwise. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

describe.skipIf(images === null)("the images", () => {
  let network: TestNetwork;
  beforeAll(() => {
    // Its places reach nothing but each other: what starts there has no network to ask.
    network = new TestNetwork();
  });
  afterAll(async () => {
    network[Symbol.dispose]();
    await images?.[Symbol.asyncDispose]();
  });

  const flavours = ["slim", "distroless"] as const;
  const imageOf = (flavour: keyof Omit<Images, symbol>): Image => (images as Images)[flavour];

  /** A container over a folder that is its user's; ended and removed with the test. */
  function start(image: Image, options: StartOptions = {}): { container: Container; endpoint: string; source: string } {
    const source = mkdtempSync(join(tmpdir(), "kakera-volume-"));
    const { uid, gid } = options.owner ?? imageUser;
    chownSync(source, uid, gid);
    chmodSync(source, 0o775);
    const place = network.addPlace();
    const volumes = [{ source, target: options.target ?? "/data" }];
    const container = new Container(image, place, { ...options, volumes });
    onTestFinished(async () => {
      await container.kill();
      rmSync(source, { recursive: true, force: true });
    });
    return { container, endpoint: `http://${place.address}:9000`, source };
  }

  async function putAndGet(endpoint: string, credentials: Credentials = testCredentials) {
    const client = createS3Client(endpoint, credentials, { connections: 1 });
    const body = Buffer.alloc(300_000, "what goes in comes out; ");
    expect((await client.send({ method: "PUT", target: "/first" })).status).toBe(200);
    expect((await client.send({ method: "PUT", target: "/first/object", body })).status).toBe(200);
    expect((await client.send({ method: "GET", target: "/first/object" })).body.equals(body)).toBe(true);
    client.close();
  }

  test.each(flavours)("%s adds less than 200 MB to its base, and says how it is run", (flavour) => {
    const { config, sizeBytes } = imageOf(flavour);
    expect(config.User).toBe("10001:0");
    expect(config.StopSignal).toBe("SIGTERM");
    expect(Object.keys(config.ExposedPorts).sort()).toEqual(["9000/tcp", "9001/tcp", "9010/tcp"]);
    expect(config.Labels["org.opencontainers.image.version"]).toBe("test");
    expect(sizeBytes).toBeLessThan(flavour === "slim" ? 400e6 : 220e6);
  });

  test.each(flavours)(
    "%s serves as 10001 from a read-only root, is healthy, and ends well on SIGTERM",
    async (flavour) => {
      const { container, endpoint, source } = start(imageOf(flavour), { env: rootKey });
      await container.untilServing(`${endpoint}/health/ready`);
      expect(await container.healthCheck()).toMatchObject({ status: 0 });
      await putAndGet(endpoint);
      expect(statSync(join(source, ".kakera")).uid).toBe(imageUser.uid);
      expect(await container.stop()).toBe(0);
    },
  );

  test.each(flavours)("%s serves as a user without a name in group 0", async (flavour) => {
    const owner = { uid: 0, gid: 0 };
    const { container, endpoint, source } = start(imageOf(flavour), { user: "1000660000:0", owner, env: rootKey });
    await container.untilServing(`${endpoint}/health/ready`);
    expect(await container.healthCheck()).toMatchObject({ status: 0 });
    await putAndGet(endpoint);
    expect(statSync(join(source, ".kakera")).uid).toBe(1_000_660_000);
    expect(await container.stop()).toBe(0);
  });

  test("a health check fails while nothing serves", async () => {
    const { container } = start(imageOf("slim"), { args: ["sleep", "1000"] });
    expect((await container.healthCheck()).status).toBe(3);
  });

  test("a volume that is somebody else's ends the start with the line that mends it", async () => {
    const { container } = start(imageOf("slim"), { owner: { uid: 4321, gid: 4321 }, env: rootKey });
    expect(await container.ended()).toBe(5);
    expect(container.output()).toContain("chown -R 10001:0 /data");
  });

  const minioKeys = { MINIO_ACCESS_KEY: "minioadmin", MINIO_SECRET_KEY: "minioadmin" };
  const rustfsKeys = { RUSTFS_ACCESS_KEY: "rustfsadmin", RUSTFS_SECRET_KEY: "rustfsadmin" };
  const calls: readonly { readonly who: string; readonly options: StartOptions }[] = [
    {
      who: "Milvus' compose file",
      options: {
        args: ["minio", "server", "/minio_data", "--console-address", ":9001"],
        target: "/minio_data",
        env: minioKeys,
      },
    },
    {
      who: "Milvus' chart, as its own user and with a folder of certificates that is not there",
      options: {
        command: ["/bin/sh", "-ce", "/usr/bin/docker-entrypoint.sh minio -S /etc/minio/certs/ server /export"],
        target: "/export",
        user: "1000:1000",
        owner: { uid: 1000, gid: 1000 },
        env: minioKeys,
      },
    },
    {
      who: "a compose file for RustFS, by flags that begin its arguments",
      options: { args: ["--address", ":9000", "--console-enable", "/data"], env: rustfsKeys },
    },
    {
      who: "Milvus' compose file for RustFS, by nothing but its environment",
      options: {
        env: {
          ...rustfsKeys,
          RUSTFS_ADDRESS: ":9000",
          RUSTFS_CONSOLE_ADDRESS: ":9001",
          RUSTFS_VOLUMES: "/data/volume{1..4}",
          RUST_LOG: "info,rustfs=debug",
          RUSTFS_OBJECT_GET_TIMEOUT: "30",
        },
      },
    },
  ];
  test.each(calls)("slim serves when called by $who", async ({ options }) => {
    const { container, endpoint, source } = start(imageOf("slim"), options);
    await container.untilServing(`${endpoint}/health/ready`);
    const drives = options.env?.["RUSTFS_VOLUMES"] === undefined ? ["."] : ["volume1", "volume2", "volume3", "volume4"];
    for (const drive of drives) expect(existsSync(join(source, drive, ".kakera"))).toBe(true);
    const name = options.env?.["RUSTFS_ACCESS_KEY"] ?? "minioadmin";
    await putAndGet(endpoint, { accessKey: name, secretKey: name });
    for (const check of [
      ["curl", "-f", "http://localhost:9000/minio/health/live"],
      ["sh", "-c", "curl -f http://127.0.0.1:9000/health && curl -f http://127.0.0.1:9001/rustfs/console/health"],
      ["mc", "ready", "local"],
    ])
      expect(await container.exec(...check)).toMatchObject({ status: 0 });
    expect(await container.stop()).toBe(0);
  });

  test("mc in the image says that it is not the whole of it", async () => {
    const { container } = start(imageOf("slim"), { args: ["mc", "mb", "local/bucket"] });
    expect(await container.ended()).toBe(2);
    expect(container.output()).toContain("this image has only 'mc ready local'");
  });
});
