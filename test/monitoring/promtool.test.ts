import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasProgram } from "../harness/needs.ts";
import { run, runWell } from "../harness/run.ts";
import { root } from "../harness/server.ts";

const isHere = hasProgram("promtool", "alerts and dashboards by promtool");
const rules = join(root, "deploy", "prometheus");
const grafana = join(root, "deploy", "grafana");

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

/** What Grafana puts in the place of its variables. */
function filledIn(expr: string): string {
  return expr.replaceAll("$__rate_interval", "1m").replaceAll(/\$(job|instance)/g, ".*");
}

describe.skipIf(!isHere)("promtool", () => {
  test("takes the alerts, and each fires in its case and stays silent in the other", async () => {
    await runWell("promtool", ["check", "rules", join(rules, "kakera-alerts.yml")]);
    const cases = readdirSync(join(rules, "tests")).map((name) => join(rules, "tests", name));
    expect(cases.length).toBeGreaterThan(0);
    await runWell("promtool", ["test", "rules", ...cases]);
  });

  test("understands each expression of the dashboards", async () => {
    const files = readdirSync(grafana).filter((name) => name.endsWith(".json"));
    const recorded = files.flatMap((name) => {
      const { panels } = JSON.parse(readFileSync(join(grafana, name), "utf8")) as Dashboard;
      return panels.flatMap(({ targets }) => targets.map(({ expr }) => filledIn(expr)));
    });
    expect(recorded.length).toBeGreaterThan(40);
    const directory = mkdtempSync(join(tmpdir(), "kakera-dashboards-"));
    try {
      const path = join(directory, "rules.yml");
      const asRules = (expressions: readonly string[]): string =>
        // JSON is YAML.
        JSON.stringify({
          groups: [{ name: "g", rules: expressions.map((expr, at) => ({ record: `panel:${at}`, expr })) }],
        });
      writeFileSync(path, asRules(recorded));
      await runWell("promtool", ["check", "rules", path]);
      writeFileSync(path, asRules([...recorded, "sum by (job (up)"]));
      expect((await run("promtool", ["check", "rules", path])).status).not.toBe(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
