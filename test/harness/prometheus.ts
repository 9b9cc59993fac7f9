import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { until } from "./server.ts";

export interface ScrapeJob {
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly path: string;
  /** A bearer token; null: none is sent. */
  readonly token: string | null;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
}

/** A real Prometheus on loopback, that scrapes and evaluates every second. */
export interface TestPrometheus {
  query(expression: string): Promise<Sample[]>;
  alerts(): Promise<Alert[]>;
  dispose(): Promise<void>;
}

/** `rules`: the text of a rule file. Ready when it resolves. */
export async function startPrometheus(jobs: readonly ScrapeJob[], rules: string): Promise<TestPrometheus> {
  const directory = mkdtempSync(join(tmpdir(), "kakera-prometheus-"));
  const port = await freePort();
  writeFileSync(join(directory, "rules.yml"), rules);
  writeFileSync(
    join(directory, "prometheus.yml"),
    JSON.stringify({
      global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
      rule_files: [join(directory, "rules.yml")],
      scrape_configs: jobs.map(({ name, endpoints, path, token }) => ({
        job_name: name,
        metrics_path: path,
        static_configs: [{ targets: endpoints.map((endpoint) => new URL(endpoint).host) }],
        ...(token === null ? {} : { authorization: { credentials: token } }),
      })),
    }),
  );
  const child = spawn(
    "prometheus",
    [
      `--config.file=${join(directory, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let output = "";
  child.stderr.on("data", (bytes: Buffer) => (output += bytes.toString()));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: T; error?: string };
    if (status !== "success") throw new Error(`prometheus: ${error}`);
    return data;
  };
  const prometheus: TestPrometheus = {
    async query(expression) {
      const { result } = await ask<{ result: { metric: Sample["metric"]; value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(expression)}`,
      );
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    alerts: async () => (await ask<{ alerts: Alert[] }>("alerts")).alerts,
    async dispose() {
      child.kill("SIGTERM");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
  try {
    await until("prometheus is ready", async () => {
      if (child.exitCode !== null) throw new Error(`prometheus ended: ${output}`);
      return isReady();
    });
  } catch (failure) {
    await prometheus.dispose();
    throw failure;
  }
  return prometheus;
}
