import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasProgram } from "../harness/needs.ts";
import { run, runWell } from "../harness/run.ts";
import { startServer, testCredentials, type TestServer } from "../harness/server.ts";
import { presign } from "../harness/sign.ts";
import { digestTree, makeTree } from "./tree.ts";

const treeFileCount = 2000;
let server: TestServer;
let work: string;
let tree: string;

beforeAll(async () => {
  server = await startServer();
  work = mkdtempSync(join(tmpdir(), "kakera-matrix-"));
  tree = makeTree(join(work, "tree"), treeFileCount, 42);
});
afterAll(async () => {
  await server.dispose();
  rmSync(work, { recursive: true, force: true });
});

describe.runIf(hasProgram("aws", "matrix awscli"))("awscli", () => {
  const env = {
    AWS_ACCESS_KEY_ID: testCredentials.accessKey,
    AWS_SECRET_ACCESS_KEY: testCredentials.secretKey,
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_EC2_METADATA_DISABLED: "true",
  };
  const home = (): { env: Record<string, string> } => ({ env: { ...env, HOME: work } });
  const aws = (...args: string[]): ReturnType<typeof runWell> =>
    runWell("aws", ["--endpoint-url", server.endpoint, ...args], home());

  test("makes a bucket, puts, heads, ranges, gets", async () => {
    await aws("s3", "mb", "s3://aws-bucket");
    await aws("s3", "cp", join(tree, "large.bin"), "s3://aws-bucket/large.bin");
    const head = JSON.parse(
      (await aws("s3api", "head-object", "--bucket", "aws-bucket", "--key", "large.bin")).stdout.toString(),
    ) as { ContentLength: number; ETag: string };
    expect(head.ContentLength).toBe(20 << 20);
    expect(head.ETag).toMatch(/-\d+"$/);
    await aws(
      "s3api",
      "get-object",
      "--bucket",
      "aws-bucket",
      "--key",
      "large.bin",
      "--range",
      "bytes=1000000-2999999",
      join(work, "range"),
    );
    expect(
      Buffer.compare(
        readFileSync(join(work, "range")),
        readFileSync(join(tree, "large.bin")).subarray(1_000_000, 3_000_000),
      ),
    ).toBe(0);
  });

  test("syncs a tree up and down again without a difference", async () => {
    await aws("s3", "sync", "--only-show-errors", tree, "s3://aws-bucket/tree/");
    await aws("s3", "sync", "--only-show-errors", "s3://aws-bucket/tree/", join(work, "aws-back"));
    expect(digestTree(join(work, "aws-back"))).toEqual(digestTree(tree));
    const again = await aws("s3", "sync", tree, "s3://aws-bucket/tree/");
    expect(again.stdout.toString()).toBe("");
  });

  test("serves a presigned URL to curl", async () => {
    // Version 1 of the cli presigns with SigV2 unless told; SigV2 is refused by design.
    await runWell("aws", ["configure", "set", "default.s3.signature_version", "s3v4"], home());
    const url = (await aws("s3", "presign", "s3://aws-bucket/large.bin")).stdout.toString().trim();
    const got = await runWell("curl", ["-sf", url]);
    expect(createHash("sha256").update(got.stdout).digest("hex")).toBe(digestTree(tree).get("large.bin"));
  });

  test("removes everything and the bucket", async () => {
    await aws("s3", "rb", "--force", "s3://aws-bucket");
    const listed = await aws("s3", "ls");
    expect(listed.stdout.toString()).not.toContain("aws-bucket");
  });
});

describe.runIf(hasProgram("s3cmd", "matrix s3cmd"))("s3cmd", () => {
  const s3cmd = (...args: string[]): ReturnType<typeof runWell> => {
    const config = join(work, "s3cfg");
    writeFileSync(
      config,
      [
        "[default]",
        `access_key = ${testCredentials.accessKey}`,
        `secret_key = ${testCredentials.secretKey}`,
        `host_base = 127.0.0.1:${server.port}`,
        `host_bucket = 127.0.0.1:${server.port}`,
        "use_https = False",
        "signature_v2 = False",
        "multipart_chunk_size_mb = 5",
        "",
      ].join("\n"),
    );
    return runWell("s3cmd", ["-c", config, "--no-progress", ...args], { env: { HOME: work } });
  };

  test("puts in parts, shows info, gets back", async () => {
    await s3cmd("mb", "s3://s3cmd-bucket");
    await s3cmd("put", join(tree, "large.bin"), "s3://s3cmd-bucket/large.bin");
    expect((await s3cmd("info", "s3://s3cmd-bucket/large.bin")).stdout.toString()).toContain("20971520");
    await s3cmd("info", "s3://s3cmd-bucket");
    await s3cmd("get", "s3://s3cmd-bucket/large.bin", join(work, "s3cmd-large"));
    expect(Buffer.compare(readFileSync(join(work, "s3cmd-large")), readFileSync(join(tree, "large.bin")))).toBe(0);
  });

  test("syncs a folder both ways", async () => {
    await s3cmd("sync", `${join(tree, "dir 3")}/`, "s3://s3cmd-bucket/dir/");
    await s3cmd("sync", "s3://s3cmd-bucket/dir/", `${join(work, "s3cmd-back")}/`);
    expect(digestTree(join(work, "s3cmd-back"))).toEqual(digestTree(join(tree, "dir 3")));
    await s3cmd("rb", "--force", "--recursive", "s3://s3cmd-bucket");
  });
});

describe.runIf(hasProgram("rclone", "matrix rclone"))("rclone", () => {
  const env = (): Record<string, string> => ({
    HOME: work,
    RCLONE_CONFIG_K_TYPE: "s3",
    RCLONE_CONFIG_K_PROVIDER: "Minio",
    RCLONE_CONFIG_K_ENDPOINT: server.endpoint,
    RCLONE_CONFIG_K_ACCESS_KEY_ID: testCredentials.accessKey,
    RCLONE_CONFIG_K_SECRET_ACCESS_KEY: testCredentials.secretKey,
    RCLONE_CONFIG_K_REGION: "us-east-1",
  });
  const rclone = (...args: string[]): ReturnType<typeof runWell> =>
    runWell("rclone", ["--retries", "1", ...args], { env: env() });

  test("syncs a tree up, finds no difference by checking, and brings it back", async () => {
    await rclone("mkdir", "K:rclone-bucket");
    await rclone("sync", "--s3-chunk-size", "5M", "--s3-upload-cutoff", "6M", tree, "K:rclone-bucket/tree");
    await rclone("check", tree, "K:rclone-bucket/tree");
    await rclone("copy", "K:rclone-bucket/tree", join(work, "rclone-back"));
    expect(digestTree(join(work, "rclone-back"))).toEqual(digestTree(tree));
    expect(
      (await rclone("lsf", "-R", "--files-only", "K:rclone-bucket/tree")).stdout.toString().trim().split("\n"),
    ).toHaveLength(treeFileCount + 1);
  });

  test("streams, copies on the server, moves and deletes", async () => {
    await runWell("rclone", ["rcat", "K:rclone-bucket/streamed"], {
      env: env(),
      input: readFileSync(join(tree, "large.bin")),
    });
    await rclone("copyto", "K:rclone-bucket/streamed", "K:rclone-bucket/copied");
    await rclone("moveto", "K:rclone-bucket/copied", "K:rclone-bucket/moved");
    const back = await rclone("cat", "K:rclone-bucket/moved");
    expect(Buffer.compare(back.stdout, readFileSync(join(tree, "large.bin")))).toBe(0);
    await rclone("purge", "K:rclone-bucket");
  });
});

describe.runIf(hasProgram("curl", "matrix curl"))("curl", () => {
  const host = (): string => `127.0.0.1:${server.port}`;
  const presigned = (method: string, target: string): string =>
    `${server.endpoint}${presign({ method, target, host: host() }, testCredentials)}`;

  test("puts, heads, gets and deletes by presigned URLs, and is refused without", async () => {
    await runWell("curl", ["-sf", "-X", "PUT", presigned("PUT", "/curl-bucket")]);
    await runWell("curl", ["-sf", "-T", join(tree, "large.bin"), presigned("PUT", "/curl-bucket/large%20file")]);
    const head = await runWell("curl", ["-sfI", presigned("HEAD", "/curl-bucket/large%20file")]);
    expect(head.stdout.toString().toLowerCase()).toContain("content-length: 20971520");
    const got = await runWell("curl", ["-sf", "-r", "100-199", presigned("GET", "/curl-bucket/large%20file")]);
    expect(Buffer.compare(got.stdout, readFileSync(join(tree, "large.bin")).subarray(100, 200))).toBe(0);
    const refused = await run("curl", ["-s", `${server.endpoint}/curl-bucket/large%20file`]);
    expect(refused.stdout.toString()).toContain("<Code>AccessDenied</Code>");
    await runWell("curl", ["-sf", "-X", "DELETE", presigned("DELETE", "/curl-bucket/large%20file")]);
    await runWell("curl", ["-sf", "-X", "DELETE", presigned("DELETE", "/curl-bucket")]);
  });

  test("signs for itself with --aws-sigv4", async () => {
    const signing = [
      "--aws-sigv4",
      "aws:amz:us-east-1:s3",
      "--user",
      `${testCredentials.accessKey}:${testCredentials.secretKey}`,
      "-H",
      "x-amz-content-sha256: UNSIGNED-PAYLOAD",
    ];
    await runWell("curl", ["-sf", ...signing, "-X", "PUT", `${server.endpoint}/curl-signed`]);
    await runWell("curl", ["-sf", ...signing, "-T", join(tree, "large.bin"), `${server.endpoint}/curl-signed/x`]);
    const got = await runWell("curl", ["-sf", ...signing, `${server.endpoint}/curl-signed/x`]);
    expect(got.stdout.byteLength).toBe(20 << 20);
  });
});
