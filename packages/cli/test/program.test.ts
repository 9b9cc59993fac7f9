import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { idleProbe, run } from "./fake-terminal.ts";

describe("calls that become a server", () => {
  test.each([
    [["server", "/data"], ["/data"]],
    [
      ["minio", "server", "/data", "--console-address", ":9001"],
      ["/data", "--console-address", ":9001"],
    ],
    [
      ["minio", "-S", "/certs", "server", "http://x-{0...3}/export"],
      ["-S", "/certs", "http://x-{0...3}/export"],
    ],
    [["rustfs", "server", "/data"], ["/data"]],
    [["rustfs", "/data"], ["/data"]],
    [["/data{1...4}"], ["/data{1...4}"]],
    [
      ["--address", ":9100", "/data"],
      ["--address", ":9100", "/data"],
    ],
  ])("%j", async (argv, expected) => {
    expect(await run(argv)).toMatchObject({ exitCode: 0, served: [expected] });
  });
});

describe("calls that are wrong end with 2 and one line that helps", () => {
  test.each([
    [["bukcet", "ls"], "kakera: CONFIG_INVALID: unknown command bukcet. Try: kakera bucket"],
    [["bucket", "crate"], "kakera: CONFIG_INVALID: unknown command crate. Try: kakera bucket create"],
    [["bucket"], "kakera: CONFIG_INVALID: kakera bucket needs a command. Try: kakera bucket --help"],
    [["drive", "replace"], "kakera: CONFIG_INVALID: missing required argument 'DIR'. Try: kakera drive replace --help"],
    [["status", "--jsno"], "kakera: CONFIG_INVALID: unknown flag --jsno. Try: --json"],
    [
      ["status", "--timeout", "soon"],
      'kakera: CONFIG_INVALID: --timeout: "soon" is not a duration such as 30s, 10m or 7d.',
    ],
    [
      ["status", "--endpoint", "http://"],
      'kakera: CONFIG_INVALID: the endpoint "http://" is not a URL. Try: http://127.0.0.1:9000',
    ],
  ])("%j", async (argv, line) => {
    expect(await run(argv)).toEqual({ exitCode: 2, printed: [], hinted: [line], served: [] });
  });

  test.each(["explain", "plan", "apply", "repair", "verify", "bench", "top", "trace", "metrics-token"])(
    "%s without an argument or a key",
    async (name) => {
      expect((await run([name])).exitCode).toBe(2);
    },
  );

  test.each(["user", "migrate"])("%s is not there yet", async (name) => {
    expect((await run([name])).exitCode).toBe(2);
  });

  test("with --json the error is an object", async () => {
    const { hinted } = await run(["bucket", "ls", "--json", "--timeout", "x"]);
    expect(JSON.parse(hinted[0] ?? "")).toMatchObject({
      kind: "error",
      version: 1,
      reason: "CONFIG_INVALID",
      exitCode: 2,
    });
  });

  test("nothing at all shows the help on stderr", async () => {
    const { exitCode, hinted } = await run([]);
    expect(exitCode).toBe(2);
    expect(hinted.join("\n")).toContain("Usage: kakera");
  });
});

describe("help and version", () => {
  test.each([["--version"], ["-V"], ["version"], ["minio", "--version"]])("%s %s", async (...argv) => {
    const { exitCode, printed } = await run(argv.filter((argument) => argument !== undefined));
    expect(exitCode).toBe(0);
    expect(printed[0]).toMatch(/^kakera \d+\.\d+\.\d+$/);
  });

  test("the help that needs no setup is the program's own", async () => {
    const { exitCode, printed } = await run(["--help"]);
    expect(exitCode).toBe(0);
    expect(readFileSync(join(import.meta.dirname, "..", "help.txt"), "utf8").trimEnd()).toBe(printed.join("\n"));
  });

  test("of the server names every flag with its variable", async () => {
    const { printed, served } = await run(["server", "--help"]);
    const text = printed.join("\n").replaceAll(/\s+/g, " ");
    expect(served).toEqual([]);
    expect(text).toContain("--console-address <HOST:PORT|off>");
    expect(text).toContain("(KAKERA_CONSOLE_ADDRESS; :9001)");
    expect(text).not.toContain("fallback-drives");
  });
});

describe("a live command without a server", () => {
  const environment = {
    KAKERA_ENDPOINT: "http://127.0.0.1:1",
    KAKERA_ACCESS_KEY: "someone",
    KAKERA_SECRET_KEY: "something",
  };

  test.each([["health"], ["health --ready"], ["status"], ["bucket ls"], ["drive ls"]])(
    "%s ends with 3",
    async (line) => {
      const { exitCode, hinted } = await run(line.split(" "), { environment });
      expect(exitCode).toBe(3);
      expect(hinted[0]).toMatch(
        /^kakera: SERVER_UNREACHABLE: http:\/\/127\.0\.0\.1:1 does not answer: .*ECONNREFUSED.* Try: /,
      );
    },
  );

  test("without a key nothing signed is sent", async () => {
    const { exitCode, hinted } = await run(["bucket", "ls"], { environment: { KAKERA_ACCESS_KEY: "someone" } });
    expect(exitCode).toBe(2);
    expect(hinted[0]).toMatch(/^kakera: CREDENTIALS_MISSING: .* Try: eval "\$\(kakera credentials show\)"/);
  });

  test("nothing is given up for good without a yes", async () => {
    expect((await run(["drive", "forget", "00".repeat(16)], { environment })).exitCode).toBe(4);
    expect((await run(["drive", "forget", "00".repeat(16)], { environment, isAgreeing: true })).exitCode).toBe(3);
    expect((await run(["drive", "replace", "/d", "--yes"], { environment })).exitCode).toBe(3);
  });
});

describe("credentials show", () => {
  const files = { "/d2/.kakera/root-credentials": "KAKERA_ROOT_USER=USER\nKAKERA_ROOT_PASSWORD=secret-of-user\n" };

  test("prints the pair of the first drive that has it, ready for a shell", async () => {
    const { exitCode, printed, hinted } = await run(["credentials", "show", "/d{1...4}"], { files });
    expect({ exitCode, printed }).toEqual({
      exitCode: 0,
      printed: ["export KAKERA_ACCESS_KEY=USER", "export KAKERA_SECRET_KEY=secret-of-user"],
    });
    expect(hinted).toEqual(["# from /d2/.kakera/root-credentials"]);
    const json = await run(["credentials", "show", "--json"], { files, environment: { KAKERA_VOLUMES: "/d2" } });
    expect(JSON.parse(json.printed[0] ?? "")).toMatchObject({ kind: "credentials", version: 1, accessKey: "USER" });
  });

  test("ends with 1 where there is none", async () => {
    expect((await run(["credentials", "show", "/other"], { files })).exitCode).toBe(1);
  });
});

describe("doctor", () => {
  const environment = { KAKERA_ENDPOINT: "http://127.0.0.1:1" };

  test("finds nothing wrong on a good machine", async () => {
    const { exitCode, printed } = await run(["doctor", "/d1"], { environment });
    expect(printed.every((line) => line.startsWith("ok "))).toBe(true);
    expect(exitCode).toBe(0);
  });

  test("names the chown line, the shared device, the busy port and the low limit", async () => {
    const { exitCode, printed } = await run(
      ["doctor", "/my data{1...2}"],
      { environment },
      {
        ...idleProbe,
        folder: async (path) => ({
          path,
          state: "denied",
          existingPath: path,
          fileSystem: "nfs",
          deviceId: 1,
          freeBytes: 1,
          totalBytes: 1,
        }),
        port: async () => "busy",
        openFilesMax: 256,
      },
    );
    const text = printed.join("\n");
    expect(exitCode).toBe(1);
    expect(text).toContain("sudo chown -R 1000:1000 '/my data1'");
    for (const reason of ["NOT_PERMITTED", "SAME_DEVICE", "PORT_BUSY", "ULIMIT", "DRIVE_FULL", "NETWORK_FILESYSTEM"])
      expect(text).toContain(reason);
  });
});
