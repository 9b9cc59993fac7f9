import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run, runWell, type Ran } from "../../harness/run.ts";
import { startServer, testCredentials, type TestServer } from "../../harness/server.ts";
import { obtainMc } from "./obtain-mc.ts";
import { digestTree, makeTree } from "../tree.ts";

const treeFileCount = 2000;

/** The suite of MinIO's client; none where it cannot be had. */
export function describeMc(): void {
  const program = obtainMc();
  if (program === null) return;
  describe("mc", () => {
    let server: TestServer;
    let work: string;
    let tree: string;

    beforeAll(async () => {
      server = await startServer();
      work = mkdtempSync(join(tmpdir(), "kakera-mc-"));
      tree = makeTree(join(work, "tree"), treeFileCount, 43);
      await mc("mb", "k/mc-bucket");
    });
    afterAll(async () => {
      await server.dispose();
      rmSync(work, { recursive: true, force: true });
    });

    const options = (): { env: Record<string, string> } => ({
      env: {
        HOME: work,
        MC_CONFIG_DIR: join(work, "mc"),
        MC_HOST_k: `http://${testCredentials.accessKey}:${testCredentials.secretKey}@127.0.0.1:${server.port}`,
      },
    });
    const mc = (...args: string[]): Promise<Ran> => runWell(program, ["--json", ...args], options());
    const fails = async (...args: string[]): Promise<string> => {
      const ran = await run(program, ["--json", ...args], options());
      expect(ran.status, args.join(" ")).not.toBe(0);
      return ran.stdout.toString() + ran.stderr;
    };
    const lines = ({ stdout }: Ran): Record<string, unknown>[] =>
      stdout
        .toString()
        .trim()
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const large = (): Buffer => readFileSync(join(tree, "large.bin"));

    test("mirrors a tree up, finds no difference, follows what changed, and brings it back", async () => {
      await mc("mirror", tree, "k/mc-bucket/tree");
      expect(lines(await mc("diff", tree, "k/mc-bucket/tree"))).toEqual([]);
      appendFileSync(join(tree, "new file"), "new");
      await mc("mirror", "--remove", "--overwrite", tree, "k/mc-bucket/tree");
      await mc("mirror", "k/mc-bucket/tree", join(work, "mc-back"));
      expect(digestTree(join(work, "mc-back"))).toEqual(digestTree(tree));
    });

    test("lists, counts, finds", async () => {
      const files = digestTree(tree);
      const listed = lines(await mc("ls", "-r", "k/mc-bucket/tree"));
      expect(new Set(listed.map(({ key }) => key))).toEqual(new Set(files.keys()));
      const sizeBytes = [...files.keys()].reduce((sum, name) => sum + statSync(join(tree, name)).size, 0);
      expect(lines(await mc("du", "k/mc-bucket"))[0]).toMatchObject({ size: sizeBytes, objects: files.size });
      expect(lines(await mc("find", "k/mc-bucket", "--larger", "1MiB"))).toHaveLength(1);
      expect(lines(await mc("find", "k/mc-bucket", "--name", "*(7).bin"))).toHaveLength(
        [...files.keys()].filter((name) => name.endsWith("(7).bin")).length,
      );
    });

    test("copies with attributes, tags and a checksum, and shows them", async () => {
      const described = ["--attr", "Cache-Control=no-store;colour=red", "--tags", "a=b&c=d e", "--checksum", "crc32c"];
      await mc("cp", ...described, join(tree, "large.bin"), "k/mc-bucket/described");
      const [stat] = lines(await mc("stat", "k/mc-bucket/described"));
      expect(stat).toMatchObject({
        size: 20 << 20,
        metadata: { "Cache-Control": "no-store", "X-Amz-Meta-Colour": "red", "X-Amz-Tagging-Count": "2" },
      });
      expect(lines(await mc("tag", "list", "k/mc-bucket/described"))[0]).toMatchObject({
        tagset: { a: "b", c: "d e" },
      });
      await mc("tag", "set", "k/mc-bucket/described", "x=1");
      await mc("tag", "remove", "k/mc-bucket/described");
      await mc("tag", "set", "k/mc-bucket", "team=storage");
      expect(lines(await mc("tag", "list", "k/mc-bucket"))[0]).toMatchObject({ tagset: { team: "storage" } });
    });

    test("reads wholly and in part, writes from a pipe of unknown length, copies and moves on the server", async () => {
      expect((await mc("cat", "k/mc-bucket/tree/large.bin")).stdout.equals(large())).toBe(true);
      const tail = await mc("cat", "--offset", String((20 << 20) - 1000), "k/mc-bucket/tree/large.bin");
      expect(tail.stdout.equals(large().subarray(-1000))).toBe(true);
      const piped = Buffer.concat([large(), large()]);
      await runWell(program, ["pipe", "--quiet", "k/mc-bucket/piped"], { ...options(), input: piped });
      await mc("cp", "k/mc-bucket/piped", "k/mc-bucket/copied");
      await mc("mv", "k/mc-bucket/copied", "k/mc-bucket/moved");
      expect((await mc("cat", "k/mc-bucket/moved")).stdout.equals(piped)).toBe(true);
      await fails("stat", "k/mc-bucket/copied");
      const [shared] = lines(await mc("share", "download", "k/mc-bucket/moved"));
      const got = Buffer.from(await (await fetch(shared?.["share"] as string)).arrayBuffer());
      expect(createHash("sha256").update(got).digest("hex")).toBe(createHash("sha256").update(piped).digest("hex"));
    });

    test("is told what is missing and what is not there, and why", async () => {
      expect(await fails("cat", "k/mc-bucket/absent")).toContain("Object does not exist");
      expect(await fails("ls", "k/no-such-bucket")).toContain("does not exist");
      expect(await fails("rb", "k/mc-bucket")).toContain("not empty");
      expect(await fails("put", "--if-not-exists", join(tree, "new file"), "k/mc-bucket/moved")).toContain(
        "pre-condition",
      );
      // With --json this one exits 0 whatever it was told.
      const info = (await mc("admin", "info", "k")).stdout.toString();
      expect(info).toContain("admin API is not part of this server");
      expect(await fails("admin", "user", "list", "k")).toContain("admin API is not part of this server");
      // It throws the answer's body away before it reads it, and has but the status left.
      expect(await fails("admin", "trace", "k")).toContain("501 Not Implemented");
      for (const args of [
        ["anonymous", "set", "public", "k/mc-bucket"],
        ["version", "enable", "k/mc-bucket"],
        ["ilm", "rule", "add", "--expire-days", "3", "k/mc-bucket"],
        ["encrypt", "set", "sse-s3", "k/mc-bucket"],
      ])
        expect(await fails(...args)).toContain("not implemented");
      await mc("anonymous", "get", "k/mc-bucket");
      await mc("version", "info", "k/mc-bucket");
      await mc("ready", "k");
    });

    test("removes a folder, and a bucket with all that is in it", async () => {
      await mc("rm", "-r", "--force", "k/mc-bucket/tree");
      expect(lines(await mc("ls", "k/mc-bucket/tree"))).toEqual([]);
      await mc("rb", "--force", "k/mc-bucket");
      expect(lines(await mc("ls", "k"))).toEqual([]);
    });
  });
}
