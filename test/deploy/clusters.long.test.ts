import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { canPartition } from "../harness/network.ts";
import { createS3Client, type S3Client } from "../harness/request.ts";
import { until } from "../harness/server.ts";
import { obtainChartProgram } from "./charts/chart-program.ts";
import { Manifests, type PodSpec, type Workload } from "./charts/manifests.ts";
import { membersOfRelease } from "./charts/members-of.ts";
import { compose, given } from "./compose/compose-file.ts";
import { membersOfCompose } from "./compose/members-of.ts";
import { buildImages } from "./container/build-images.ts";
import { MembersRun } from "./container/members-run.ts";

const suite = "deploy clusters";
const images = canPartition(suite) ? await buildImages(suite) : null;
const etcd = images === null ? null : await obtainEtcd("current", suite);
const chart = obtainChartProgram(suite);
const programs = images === null || etcd === null ? null : { kakera: images.slim, etcd: etcd.server };
const rootKey = { accessKey: given.KAKERA_ROOT_USER, secretKey: given.KAKERA_ROOT_PASSWORD };
const body = Buffer.alloc(3_000_000, "what one node took in, all of them give out; ");

afterAll(() => images?.[Symbol.asyncDispose]());

/** Resolves when every node is ready, with a client of each. */
async function clientsOf(run: MembersRun, names: readonly string[]): Promise<S3Client[]> {
  await Promise.all(names.map((name) => run.container(name).untilServing(`${run.endpoint(name)}/health/ready`)));
  return names.map((name) => createS3Client(run.endpoint(name), rootKey));
}

/** 412 where stopping the node would end the quorum. */
async function maintenance(endpoint: string): Promise<number> {
  return (await fetch(`${endpoint}/minio/health/cluster?maintenance=true`)).status;
}

async function gives(client: S3Client | undefined): Promise<boolean> {
  return (await client?.send({ method: "GET", target: "/bucket/object" }))?.body.equals(body) === true;
}

test.skipIf(programs === null)(
  "the compose file's cluster forms, serves from every node, and goes on without one",
  async () => {
    if (programs === null) return;
    await using run = new MembersRun(programs, (folder) => membersOfCompose(compose("cluster.yml"), folder));
    const names = ["kakera1", "kakera2", "kakera3", "kakera4"];
    const [first, second, third, fourth] = await clientsOf(run, names);
    for (const container of run.containers) expect(await container.healthCheck()).toMatchObject({ status: 0 });
    expect((await first?.send({ method: "PUT", target: "/bucket" }))?.status).toBe(200);
    expect((await second?.send({ method: "PUT", target: "/bucket/object", body }))?.status).toBe(200);
    expect(await gives(third)).toBe(true);
    const status = await run.container("kakera4").exec("kakera", "status");
    expect(status.stdout.toString()).toContain("2+2");
    await run.container("kakera1").kill();
    expect(await gives(fourth)).toBe(true);
    expect(await run.container("kakera2").stop()).toBe(0);
    for (const client of [first, second, third, fourth]) client?.close();
  },
);

test.skipIf(programs === null || chart === null)(
  "the chart's pods find each other by its names, with its keys, and stop as it tells them",
  async () => {
    if (programs === null || chart === null) return;
    const values = join(import.meta.dirname, "values", "one-etcd.yaml");
    const manifests = new Manifests((await chart.render("store", "objects", [values])).manifests);
    const secret = {
      rootUser: rootKey.accessKey,
      rootPassword: rootKey.secretKey,
      clusterSecret: given.KAKERA_CLUSTER_SECRET,
    };
    // The values leave the user to the cluster, as OpenShift's wants it.
    const release = { namespace: "objects", secret, user: "1000660000:0", service: "store-kakera" };
    await using run = new MembersRun(programs, (folder) => membersOfRelease(manifests, release, folder));
    const [first, second, third] = await clientsOf(run, ["store-kakera-0", "store-kakera-1", "store-kakera-2"]);
    expect((await first?.send({ method: "PUT", target: "/bucket" }))?.status).toBe(200);
    expect((await second?.send({ method: "PUT", target: "/bucket/object", body }))?.status).toBe(200);
    expect(await gives(third)).toBe(true);
    // What helm test runs in a pod of its own.
    const [tests] = manifests.of("Pod");
    for (const { args } of (tests?.spec as PodSpec | undefined)?.containers ?? [])
      expect(await run.container("store-kakera-1").exec("kakera", ...args)).toMatchObject({ status: 0 });
    const nodes = manifests.named<Workload>("StatefulSet", "store-kakera");
    const preStop = nodes.spec.template.spec.containers[0]?.lifecycle?.preStop.exec?.command ?? [];
    // Of 2+1 one may go, and its hook lets it; then the others may not.
    expect(await maintenance(run.endpoint("store-kakera-2"))).toBe(200);
    expect(await run.container("store-kakera-2").exec(...preStop)).toMatchObject({ status: 0 });
    expect(await run.container("store-kakera-2").stop()).toBe(0);
    expect(await gives(first)).toBe(true);
    await until("nobody else may go", async () => (await maintenance(run.endpoint("store-kakera-0"))) === 412);
    for (const client of [first, second, third]) client?.close();
  },
);
