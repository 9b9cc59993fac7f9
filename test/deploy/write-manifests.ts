/**
 * Writes what is derived from other files of deploy: the plain manifests, made from the chart, and the chart's copies of alerts and
 * dashboards. Usage: node test/deploy/write-manifests.ts
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../harness/server.ts";
import { chartFolder, obtainChartProgram } from "./charts/chart-program.ts";
import { plainManifests } from "./charts/plain-manifests.ts";

const alerts = join(root, "deploy", "prometheus", "kakera-alerts.yml");
const dashboards = join(root, "deploy", "grafana");
const files = join(chartFolder, "files");

rmSync(files, { recursive: true, force: true });
mkdirSync(join(files, "dashboards"), { recursive: true });
if (existsSync(alerts)) copyFileSync(alerts, join(files, "kakera-alerts.yml"));
const names = existsSync(dashboards) ? readdirSync(dashboards).filter((name) => name.endsWith(".json")) : [];
for (const name of names) copyFileSync(join(dashboards, name), join(files, "dashboards", name));

const program = obtainChartProgram("manifests");
if (program === null) process.exitCode = 1;
else for (const [path, text] of await plainManifests(program)) writeFileSync(path, text);
