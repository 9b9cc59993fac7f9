import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../../../test/harness/free-port.ts";
import { folderForEachTest, rootKey, rootKeyEnv, run, startReadyServer, type Ended } from "./process/kakera.ts";

const folder = folderForEachTest();

const bench = (url: string, words: readonly string[], secretKey: string = rootKey.secretKey): Promise<Ended> =>
  run(["bench", url, ...words], { KAKERA_ACCESS_KEY: rootKey.accessKey, KAKERA_SECRET_KEY: secretKey });

test("loads a server with each operation, tells what it measured, and leaves nothing behind", async () => {
  const server = await startReadyServer([join(folder.path, "d{1...4}"), "--bucket", "data"], rootKeyEnv);
  const operations = ["put", "get", "range", "list", "mixed", "delete"];
  const words = ["--operations", operations.join(), "--concurrency", "2", "--duration", "100ms", "--objects", "6"];
  const measured = await bench(server.endpoint, ["--sizes", "64KiB", ...words, "--json"]);
  expect([measured.code, measured.stderr]).toEqual([0, ""]);
  const loads = measured.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { operation: string; requestCount: number });
  expect(loads.map(({ operation }) => operation)).toEqual(operations);
  expect(Math.min(...loads.map(({ requestCount }) => requestCount))).toBeGreaterThan(0);
  expect((await server.send("GET", "/")).text.match(/<Name>[^<]*/g)).toEqual(["<Name>data"]);

  const shown = await bench(server.endpoint, ["--sizes", "4KiB", "--concurrency", "1", "--duration", "100ms"]);
  expect(shown.stdout).toMatch(/^OPERATION +SIZE +AT A TIME +PER SECOND/);
  expect(shown.stdout).toMatch(/\nput +4\.0 KiB +1 /);

  expect((await bench(server.endpoint, [], "another-secret")).stderr).toMatch(
    /^kakera: NOT_PERMITTED: make bucket: 403/,
  );
  expect((await server.stop()).code).toBe(0);
}, 120_000);

test("says what it does not understand (2), and whom it does not reach (3)", async () => {
  const nobody = `http://127.0.0.1:${await freePort()}`;
  expect(await bench(nobody, ["--operations", "put,got"])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--operations: "got" is not put or get/),
  });
  expect(await bench(nobody, ["--sizes", "1GiB"])).toMatchObject({ code: 2 });
  expect(await bench(nobody, [])).toMatchObject({ code: 3, stderr: expect.stringMatching(/SERVER_UNREACHABLE/) });
}, 60_000);
