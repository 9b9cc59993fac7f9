export interface Panel {
  readonly title: string;
  /** What it shows, and what it does not. */
  readonly description: string;
  readonly kind: "line" | "number" | "table";
  readonly unit: "short" | "bytes" | "Bps" | "reqps" | "s" | "percentunit" | "dateTimeFromNow" | "ops";
  /** Expression and legend. */
  readonly queries: readonly (readonly [string, string])[];
  readonly width?: number;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly panels: readonly Panel[];
}

export function number(title: string, description: string, unit: Panel["unit"], queries: Panel["queries"]): Panel {
  return { title, description, kind: "number", unit, queries, width: 6 };
}

export function line(title: string, description: string, unit: Panel["unit"], queries: Panel["queries"]): Panel {
  return { title, description, kind: "line", unit, queries };
}

export function table(title: string, description: string, unit: Panel["unit"], queries: Panel["queries"]): Panel {
  return { title, description, kind: "table", unit, queries };
}

const datasource = { type: "prometheus", uid: "${datasource}" };
const kinds = { line: "timeseries", number: "stat", table: "table" } as const;
const columns = 24;
const heights = { line: 8, number: 4, table: 8 } as const;

function panelsOf(panels: readonly Panel[]): object[] {
  let [x, y, rowHeight] = [0, 0, 0];
  return panels.map(({ title, description, kind, unit, queries, width = 12 }, index) => {
    if (x + width > columns) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const gridPos = { x, y, w: width, h: heights[kind] };
    x += width;
    rowHeight = Math.max(rowHeight, heights[kind]);
    return {
      id: index + 1,
      title,
      description,
      type: kinds[kind],
      datasource,
      gridPos,
      fieldConfig: { defaults: { unit, ...(kind === "line" ? { min: 0 } : {}) }, overrides: [] },
      options: kind === "number" ? { reduceOptions: { calcs: ["lastNotNull"] }, textMode: "value_and_name" } : {},
      targets: queries.map(([expr, legendFormat], at) => ({
        refId: String.fromCodePoint("A".codePointAt(0)! + at),
        datasource,
        expr,
        legendFormat,
        ...(kind === "line" ? {} : { instant: true }),
        ...(kind === "table" ? { format: "table" } : {}),
      })),
    };
  });
}

function variable(name: string, label: string, query: string): object {
  return {
    name,
    label,
    type: "query",
    datasource,
    query,
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: ".*",
    current: { text: "All", value: "$__all" },
  };
}

/** As Grafana takes it in. */
export function renderDashboard({ uid, title, description, panels }: Dashboard): object {
  return {
    uid,
    title,
    description,
    tags: ["kakera"],
    schemaVersion: 39,
    editable: true,
    time: { from: "now-3h", to: "now" },
    refresh: "30s",
    templating: {
      list: [
        { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", current: {} },
        variable("job", "Job", "label_values(kakera_build_info, job)"),
        variable("instance", "Node", 'label_values(kakera_build_info{job=~"$job"}, instance)'),
      ],
    },
    panels: panelsOf(panels),
  };
}
