import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { dashboards } from "../grafana/dashboards.ts";
import { renderDashboard } from "../grafana/panels.ts";

interface Shown {
  readonly uid: string;
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly description: string;
    readonly datasource: { readonly uid: string };
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly {
      readonly refId: string;
      readonly datasource: { readonly uid: string };
      readonly expr: string;
    }[];
  }[];
}

const root = new URL("../../", import.meta.url);
const folder = new URL("deploy/grafana/", root);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const shown = files.map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Shown);
const documented = new Set(
  [...readFileSync(new URL("docs/metrics.md", root), "utf8").matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name),
);

describe("the dashboards of deploy/grafana", () => {
  test("are what tools/grafana makes", () => {
    expect(files).toEqual(dashboards.map(({ uid }) => `${uid}.json`).toSorted());
    for (const dashboard of dashboards)
      expect(shown.find(({ uid }) => uid === dashboard.uid)).toEqual(renderDashboard(dashboard));
  });

  test("ask whatever data source is chosen, have panels of their own numbers, and none over another", () => {
    for (const { uid, templating, panels } of shown) {
      expect([uid, templating.list[0]]).toMatchObject([uid, { name: "datasource", type: "datasource" }]);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
      );
      expect([uid, new Set(cells).size]).toEqual([uid, cells.length]);
      for (const { title, description, datasource, gridPos, targets } of panels) {
        expect([title, description.length > 3, gridPos.x + gridPos.w <= 24]).toEqual([title, true, true]);
        expect(targets.length).toBeGreaterThan(0);
        expect(
          [datasource, ...targets.map((target) => target.datasource)].every((source) => source.uid === "${datasource}"),
        ).toBe(true);
        expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      }
    }
  });

  test("name only metrics that docs/metrics.md has", () => {
    const named = shown.flatMap(({ panels }) =>
      panels.flatMap(({ targets }) =>
        targets.flatMap(({ expr }) => expr.match(/\b(?:kakera|process|nodejs|minio)_\w+/g) ?? []),
      ),
    );
    expect(named.length).toBeGreaterThan(50);
    for (const name of named) {
      const whole = documented.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
      expect([name, documented.has(whole)]).toEqual([name, true]);
    }
  });
});
