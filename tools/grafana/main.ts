/**
 * Makes the dashboards of deploy/grafana: `node tools/grafana/main.ts`. A panel is a title, what it shows, and its expressions; what
 * Grafana wants besides is the same for all.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dashboards } from "./dashboards.ts";
import { renderDashboard } from "./panels.ts";

const folder = join(import.meta.dirname, "..", "..", "deploy", "grafana");
for (const dashboard of dashboards)
  writeFileSync(join(folder, `${dashboard.uid}.json`), `${JSON.stringify(renderDashboard(dashboard), null, 2)}\n`);
