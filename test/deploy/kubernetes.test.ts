import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { obtainChartProgram } from "./charts/chart-program.ts";
import { plainManifests } from "./charts/plain-manifests.ts";

const program = obtainChartProgram("deploy kubernetes");

test.skipIf(program === null)(
  "the plain manifests are those of the chart (node test/deploy/write-manifests.ts), and Kubernetes knows all of them",
  async () => {
    if (program === null) return;
    for (const [path, text] of await plainManifests(program)) {
      expect(readFileSync(path, "utf8")).toBe(text);
      expect(await program.check(text)).toMatchObject({ failures: [], unknown: [] });
      expect(text.replaceAll(/^#.*$/gm, "")).not.toMatch(/helm/i);
    }
  },
);
