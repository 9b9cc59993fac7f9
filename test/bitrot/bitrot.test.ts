import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSeededRandom } from "@kakera/kernel";
import { countFor } from "../harness/length.ts";
import { createS3Client } from "../harness/request.ts";
import { spawnServer, startServer, testCredentials, untilReady } from "../harness/server.ts";
import { md5Hex } from "../model/reference.ts";
import { damageFiles, damages, filesBelow } from "./damage.ts";

const seed = Number(process.env.KAKERA_BITROT_SEED ?? 20_261_124);
const roundCount = Number(process.env.KAKERA_BITROT_ROUNDS ?? countFor({ whole: 3, ci: 2, here: 1 }));
const settings = (more: Record<string, unknown> = {}): Record<string, string> => ({
  KAKERA_TEST_SETTINGS: JSON.stringify({
    minPartBytes: 1,
    segmentSizeBytes: 4 << 20,
    journalFileBytes: 256 << 10,
    checkpointBytesMin: 256 << 10,
    bootId: "boot-1",
    ...more,
  }),
});
const sizes = [0, 500, 2000, 3000, 20_000, 40_000, 200_000, 900_000, 3_000_000, 9_000_000];
const bodies = new Map<string, Buffer>();
let pristineClean: string;
let pristineKilled: string;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "kakera-bitrot-"));
  const random = createSeededRandom(seed);
  for (let i = 0; i < 40; i++) {
    const size = sizes[i % sizes.length] as number;
    bodies.set(`o${i}`, Buffer.alloc(size, Buffer.from(random.bytes(1021))));
  }
  pristineKilled = join(scratch, "killed");
  pristineClean = join(scratch, "clean");
  const server = await startServer({ directory: join(scratch, "first"), env: settings() });
  const client = createS3Client(server.endpoint, testCredentials);
  await client.send({ method: "PUT", target: "/rot" });
  for (const [key, body] of bodies)
    expect((await client.send({ method: "PUT", target: `/rot/${key}`, body })).status).toBe(200);
  // A second generation, so that segments and journals hold dead records too.
  for (const [key, body] of bodies)
    if (Number(key.slice(1)) % 3 === 0) await client.send({ method: "PUT", target: `/rot/${key}`, body });
  client.close();
  await server.kill();
  cpSync(server.directory, pristineKilled, { recursive: true });
  const again = await startServer({ directory: server.directory, env: settings() });
  expect(await again.stop()).toBe(0);
  cpSync(server.directory, pristineClean, { recursive: true });
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Starts on a damaged copy and reads everything; gives what was wrong. A 503 is no lie; another body, a 404 or a short LIST is. */
async function readAll(
  directory: string,
  env: Record<string, string>,
): Promise<{ lies: string[]; unavailable: string[]; isUp: boolean; output: string }> {
  const lies: string[] = [];
  const unavailable: string[] = [];
  const server = await spawnServer({ directory, env });
  const isUp = await untilReady(server).then(
    () => true,
    () => false,
  );
  const client = createS3Client(server.endpoint, testCredentials);
  if (isUp) {
    for (const [key, body] of bodies) {
      const got = await client.send({ method: "GET", target: `/rot/${key}` }).catch((error: Error) => error);
      if (got instanceof Error || got.status === 503)
        unavailable.push(`${key}: ${got instanceof Error ? got.message : got.body.toString()}`);
      else if (got.status !== 200) lies.push(`${key}: ${got.status} ${got.body.toString()}`);
      else if (md5Hex(got.body) !== md5Hex(body)) lies.push(`${key}: other bytes`);
    }
    const list = await client.send({ method: "GET", target: "/rot?list-type=2" });
    const count = [...list.body.toString().matchAll(/<Contents>/g)].length;
    if (list.status === 200 && count !== bodies.size) lies.push(`LIST shows ${count} of ${bodies.size}`);
  }
  client.close();
  await server.kill();
  return { lies, unavailable, isUp, output: server.output() };
}

interface Case {
  readonly what: string;
  readonly driveCount: number;
  readonly pattern: RegExp;
}

describe.each([
  { what: "segments and shard files on two of four drives", driveCount: 2, pattern: /\/(segments|shards)\// },
  { what: "the journal on one drive", driveCount: 1, pattern: /\.kakera\/journal\// },
  { what: "the drive index on two drives", driveCount: 2, pattern: /\.kakera\/state\/.*index|\.kakera\/index/ },
  { what: "the view, after a clean stop", driveCount: 4, pattern: /\.kakera\/state\/view/ },
] satisfies Case[])("damage in $what", ({ driveCount, pattern }) => {
  test.each(damages)("%s never reaches a client, and nothing is missing", async (damage) => {
    for (let round = 0; round < roundCount; round++) {
      const random = createSeededRandom(seed + round * 31 + damages.indexOf(damage));
      const directory = join(scratch, "round");
      rmSync(directory, { recursive: true, force: true });
      cpSync(pristineClean, directory, { recursive: true });
      const first = Math.floor(random.fraction() * 4);
      const done: string[] = [];
      for (let i = 0; i < driveCount; i++) {
        const files = filesBelow(join(directory, `drive${((first + i) % 4) + 1}`), pattern);
        if (files.length > 0) done.push(damageFiles(files, damage, random));
      }
      expect(done.length, `no file matches ${pattern}`).toBeGreaterThan(0);
      const { lies, unavailable, isUp, output } = await readAll(directory, settings());
      expect({ done, lies, unavailable, isUp, output: isUp ? "" : output }).toEqual({
        done,
        lies: [],
        unavailable: [],
        isUp: true,
        output: "",
      });
    }
  });
});

test("damage to the journal on every drive is refused or survived, never believed", async () => {
  for (const damage of damages) {
    const directory = join(scratch, "round");
    rmSync(directory, { recursive: true, force: true });
    cpSync(pristineKilled, directory, { recursive: true });
    for (let drive = 1; drive <= 4; drive++) {
      // The same bytes of each copy: the seed is the same for every drive.
      const files = filesBelow(join(directory, `drive${drive}`), /\.kakera\/journal\//);
      damageFiles(files, damage, createSeededRandom(seed));
      rmSync(join(directory, `drive${drive}`, ".kakera", "state"), { recursive: true, force: true });
    }
    const { lies, isUp, output } = await readAll(directory, settings());
    expect(lies).toEqual([]);
    if (!isUp) expect(output).toMatch(/kakera: [A-Z_]+: /);
  }
});

describe("a power loss that left derived files with missing pages", () => {
  test.each([
    { what: "view", pattern: /\.kakera\/state\/view/ },
    { what: "index", pattern: /\.kakera\/state\/.*index|\.kakera\/index/ },
  ])("the $what is discarded and rebuilt", async ({ pattern }) => {
    for (let round = 0; round < roundCount; round++) {
      const random = createSeededRandom(seed + round);
      const directory = join(scratch, "round");
      rmSync(directory, { recursive: true, force: true });
      cpSync(pristineKilled, directory, { recursive: true });
      for (let drive = 1; drive <= 4; drive++) {
        const files = filesBelow(join(directory, `drive${drive}`), pattern).filter(
          (path) => path.endsWith(".mdb") && !path.includes("lock"),
        );
        for (let page = 0; page < 4 && files.length > 0; page++) damageFiles(files, "zero", random);
      }
      const { lies, unavailable, isUp, output } = await readAll(directory, settings({ bootId: "boot-2" }));
      expect({ lies, unavailable, isUp, output: isUp ? "" : output }).toEqual({
        lies: [],
        unavailable: [],
        isUp: true,
        output: "",
      });
    }
  });
});
