import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { appended, columnsOf } from "../src/app/model/activity.ts";
import { createCommands, quoteWord } from "../src/app/model/commands.ts";
import { wordsOf } from "../src/app/model/failure-words.ts";
import { previewKindOf } from "../src/app/model/preview.ts";
import { marked, timeLeftMs, type Mark } from "../src/app/model/progress.ts";
import { crumbsOf, hashOf, parseRoute, type Route } from "../src/app/model/route.ts";
import { keyOf, planParts } from "../src/app/model/upload-plan.ts";
import { visibleName } from "../src/app/model/visible-name.ts";
import { StoreFailure } from "../src/app/store/store-failure.ts";

describe("a command line", () => {
  test.each([
    "plain/name-1.txt",
    "it's",
    `"$HOME" \`id\` \\ !`,
    "a\nb\tc\u0001",
    "\u202egpj.exe",
    "*?[]{}~#;&|<>()",
    "🎌 日本",
  ])("hands %j to a program as it is", (word) => {
    const shown = execFileSync("bash", ["-c", `printf %s ${quoteWord(word)}`], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    });
    expect(shown).toBe(word);
  });

  test("shows nothing that turns the direction of what follows", () => {
    expect(quoteWord("\u202egpj.exe")).toBe(String.raw`$'\u202egpj.exe'`);
  });

  test("names the endpoint and never a key", () => {
    const commands = createCommands("http://store:9000");
    expect(commands.createBucket("first")).toBe("kakera bucket create first --endpoint http://store:9000");
    expect(commands.download("b", "a b.txt")).toBe("aws --endpoint-url http://store:9000 s3 cp 's3://b/a b.txt' .");
    expect(commands.share("b", "k", 60)).toContain("presign s3://b/k --expires-in 60");
  });
});

describe("a name", () => {
  test("is shown as it is when all of it can be seen", () => {
    for (const name of ["a.txt", "<script>", `"'`, "日本 🎌", "e\u0301"]) expect(visibleName(name)).toBe(name);
  });

  test("is shown by number where it cannot", () => {
    expect(visibleName("\u202egpj.exe")).toBe("⟨U+202E⟩gpj.exe");
    expect(visibleName("a\nb\u0000")).toBe("a⟨U+000A⟩b⟨U+0000⟩");
    expect(visibleName("")).toBe("(no name)");
  });
});

describe("a place in the console", () => {
  test.each<Route>([
    { page: "overview" },
    { page: "repair" },
    { page: "bucket", bucket: "my.bucket-1", prefix: "", object: null },
    { page: "bucket", bucket: "b", prefix: "a&b=c/<x>/#?/", object: "a&b=c/%2F\n\u202e" },
  ])("comes back from its address: %j", (route) => {
    expect(parseRoute(hashOf(route))).toEqual(route);
  });

  test.each(["", "#", "#/nowhere", "#/bucket/UPPER", "#/bucket/a%2Fb", "#javascript:alert(1)"])(
    "is the overview for %j",
    (hash) => {
      expect(parseRoute(hash)).toEqual({ page: "overview" });
    },
  );

  test("has a step for each folder on the way", () => {
    expect(crumbsOf("a//b/")).toEqual([
      { name: "a", prefix: "a/" },
      { name: "", prefix: "a//" },
      { name: "b", prefix: "a//b/" },
    ]);
    expect(crumbsOf("")).toEqual([]);
  });
});

describe("an upload", () => {
  const mib = 2 ** 20;

  test("goes in one request up to 8 MiB, and in parts that cover it beyond", () => {
    expect(planParts(8 * mib)).toBeNull();
    for (const sizeBytes of [8 * mib + 1, 100 * mib, 200 * 1024 * mib, 5 * 2 ** 40]) {
      const parts = planParts(sizeBytes) ?? [];
      expect(parts.length).toBeLessThanOrEqual(10_000);
      expect(parts[0]?.fromByte).toBe(0);
      expect(parts.at(-1)?.toByte).toBe(sizeBytes);
      const isWhole = parts.every(
        ({ partNumber, fromByte, toByte }, index) =>
          partNumber === index + 1 &&
          fromByte === (parts[index - 1]?.toByte ?? 0) &&
          (toByte === sizeBytes || toByte - fromByte >= 5 * mib),
      );
      expect(isWhole).toBe(true);
    }
  });

  test("keeps the folders of a file below the prefix", () => {
    expect(keyOf("a/", "/photos/2026/x.jpg")).toBe("a/photos/2026/x.jpg");
  });
});

describe("the time that is left", () => {
  const at = (atMs: number, leftCount: number): Mark => ({ atMs, leftCount });

  test("is what the pace that was seen makes of it, and not told before anything went", () => {
    expect(timeLeftMs([at(0, 100)])).toBeNull();
    expect(timeLeftMs([at(0, 100), at(10_000, 100)])).toBeNull();
    expect(timeLeftMs([at(0, 100), at(10_000, 80)])).toBe(40_000);
    expect(timeLeftMs([at(0, 100), at(10_000, 0)])).toBeNull();
  });

  test("begins anew when more has come", () => {
    expect(marked([at(0, 5), at(1, 4)], at(2, 9))).toEqual([at(2, 9)]);
  });
});

describe("a chart", () => {
  const sample = {
    lengthMs: 5_000,
    failureCount: 0,
    refusalCount: 5,
    receivedBytes: 0,
    sentBytes: 10_240,
    p50Seconds: null,
    p99Seconds: 0.1,
  };
  const report = { intervalMs: 5_000, samples: [{ ...sample, atMs: 5_000, requestCount: 10 }] };

  test("has rates by the second, and nothing where nothing was measured", () => {
    const columns = columnsOf(report.samples);
    expect(columns).toMatchObject({
      atSeconds: [5],
      requestsPerSecond: [2],
      sentPerSecond: [2048],
      p50Seconds: [null],
      p99Seconds: [0.1],
    });
  });

  test("keeps an hour and takes no sample twice", () => {
    expect(appended(report.samples, report)).toHaveLength(1);
    const long = Array.from({ length: 800 }, (_, index) => ({ ...sample, atMs: index + 10, requestCount: 1 }));
    expect(appended([], { intervalMs: 5_000, samples: long })).toHaveLength(720);
  });
});

describe("a preview", () => {
  test("is chosen by the bytes alone: markup is text, and an image is one of four kinds", () => {
    expect(previewKindOf(Buffer.from("<html><script>alert(1)</script>"))).toEqual({ kind: "text" });
    expect(previewKindOf(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`))).toEqual({
      kind: "text",
    });
    expect(previewKindOf(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0]))).toEqual({ kind: "image", type: "image/png" });
    expect(previewKindOf(Buffer.from([1, 0, 2]))).toBeNull();
  });
});

describe("a failure in words", () => {
  test("has the server's code, and its sentence where ours says less", () => {
    expect(wordsOf(new StoreFailure({ code: "BucketNotEmpty", message: "x", status: 409 })).sentence).toMatch(
      /still holds/,
    );
    expect(
      wordsOf(new StoreFailure({ code: "PLAN_STALE", message: "it changed", status: 409, remedy: "again" })),
    ).toEqual({
      sentence: "it changed",
      code: "PLAN_STALE",
      remedy: "again",
    });
    expect(wordsOf(new TypeError("fetch failed")).sentence).toMatch(/does not answer/);
  });
});
