import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { reasonCodes } from "@kakera/kernel";
import { judgedReasons } from "../src/admin/judge-conditions.ts";
import { run } from "./fake-terminal.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string; readonly reason: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}
interface Groups {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
}
interface Cases {
  readonly tests: readonly {
    readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
  }[];
}

const root = new URL("../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const rules = (parse(read("deploy/prometheus/kakera-alerts.yml")) as Groups).groups.flatMap((group) => group.rules);
const pages = readdirSync(new URL("docs/runbooks", root)).map((name) => name.slice(0, -".md".length));
/** Told by `kakera status` and `kakera doctor` alone: a layout that was chosen, and how etcd was set up. */
const notAlerting = ["SAME_DEVICE", "ETCD_VERSION", "ETCD_SHARED"];

describe("alerts", () => {
  test("are there for every reason code that somebody has to act on, and for nothing else", () => {
    const alerting = reasonCodes.filter((reason) => !notAlerting.includes(reason));
    expect(new Set(rules.map(({ labels }) => labels.reason))).toEqual(new Set(alerting));
    expect(new Set(pages)).toEqual(new Set(alerting));
  });

  test("say how urgent they are, what it is, and which page says what to do", () => {
    for (const { alert, labels, annotations } of rules) {
      expect([alert, ["warning", "critical"].includes(labels.severity)]).toEqual([alert, true]);
      expect(annotations.summary.length, alert).toBeGreaterThan(10);
      expect(annotations.description.length, alert).toBeGreaterThan(30);
      expect(annotations.runbook_url, alert).toBe(`docs/runbooks/${labels.reason}.md`);
      expect(read(annotations.runbook_url), alert).toContain(alert);
    }
  });

  test("are of conditions that the server judges, where they are of conditions", () => {
    const asked = rules.flatMap(({ expr }) =>
      [...expr.matchAll(/kakera_condition\{reason="(\w+)"\}/g)].map(([, reason]) => reason),
    );
    expect(asked.length).toBeGreaterThan(5);
    for (const reason of asked) expect(judgedReasons).toContain(reason);
  });

  test("have each a case in which they fire and one in which they stay silent", () => {
    const folder = new URL("deploy/prometheus/tests/", root);
    const cases = readdirSync(folder).flatMap(
      (name) => (parse(readFileSync(new URL(name, folder), "utf8")) as Cases).tests,
    );
    const told = cases.flatMap(({ alert_rule_test }) => alert_rule_test);
    for (const { alert } of rules) {
      const its = told.filter(({ alertname }) => alertname === alert).map(({ exp_alerts }) => exp_alerts.length > 0);
      expect([alert, its]).toEqual([alert, [true, false]]);
    }
  });
});

describe("runbook pages", () => {
  test("name only commands of the program", async () => {
    const commands = new Set(
      pages.flatMap((page) =>
        [
          ...read(`docs/runbooks/${page}.md`).matchAll(
            /(?:`|^ {4})kakera ([a-z][a-z-]*(?: [a-z][a-z-]*)?)(?=[ `]|$)/gm,
          ),
        ].map(([, command]) => command ?? ""),
      ),
    );
    expect(commands.size).toBeGreaterThan(8);
    for (const command of commands) {
      const shown = await run([...command.split(" "), "--help"]);
      expect([command, shown.exitCode]).toEqual([command, 0]);
      // The whole command, not only its first word.
      expect(shown.printed.join("\n")).toMatch(new RegExp(`^Usage: kakera .*\\b${command.split(" ").at(-1)}\\b`));
    }
  });
});
