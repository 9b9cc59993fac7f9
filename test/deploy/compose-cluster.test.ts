import { afterAll, expect, test } from "vitest";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { canPartition } from "../harness/network.ts";
import { createS3Client } from "../harness/request.ts";
import { compose, given } from "./compose/compose-file.ts";
import { ComposeRun } from "./compose/compose-run.ts";
import { buildImages } from "./container/build-images.ts";

const suite = "deploy compose-cluster";
const images = canPartition(suite) ? await buildImages(suite) : null;
const etcd = images === null ? null : await obtainEtcd("current", suite);
afterAll(() => images?.[Symbol.asyncDispose]());

test.skipIf(etcd === null)(
  "the cluster of the compose file forms, serves from every node, and goes on without one",
  async () => {
    if (images === null || etcd === null) return;
    await using run = new ComposeRun(compose("cluster.yml"), { kakera: images.slim, etcd: etcd.server });
    const names = [...run.containers.keys()];
    await Promise.all(names.map((name) => run.container(name).untilServing(`${run.endpoint(name)}/health/ready`)));
    for (const name of names) expect(await run.container(name).healthCheck()).toMatchObject({ status: 0 });

    const rootKey = { accessKey: given.KAKERA_ROOT_USER, secretKey: given.KAKERA_ROOT_PASSWORD };
    const [first, second, third, fourth] = names.map((name) => createS3Client(run.endpoint(name), rootKey));
    const body = Buffer.alloc(3_000_000, "two of four may be lost; ");
    expect((await first?.send({ method: "PUT", target: "/bucket" }))?.status).toBe(200);
    expect((await second?.send({ method: "PUT", target: "/bucket/object", body }))?.status).toBe(200);
    expect((await third?.send({ method: "GET", target: "/bucket/object" }))?.body.equals(body)).toBe(true);

    const status = await run.container("kakera4").exec("kakera", "status");
    expect(status.stdout.toString()).toContain("2+2");
    await run.container("kakera1").kill();
    expect((await fourth?.send({ method: "GET", target: "/bucket/object" }))?.body.equals(body)).toBe(true);
    expect(await run.container("kakera2").stop()).toBe(0);
    for (const client of [first, second, third, fourth]) client?.close();
  },
);
