import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { testLength } from "./tools/test-length.ts";

const leftOut = testLength() === "here" ? ["**/*.long.test.ts"] : [];

export default defineConfig({
  test: {
    // The runner itself hardly works: a core that is kept free for it, as vitest would, is half of a machine of two.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts", "tools/test/**/*.test.ts"],
          exclude: ["**/*.process.test.ts", "**/*.slow.test.ts"],
          testTimeout: 20_000,
          // A process for each file took a third of the suite's time, and `pnpm check` has a minute.
          isolate: false,
        },
      },
      {
        // Models with their full counts, and the gates of the check.
        test: {
          name: "slow",
          include: ["packages/*/test/**/*.slow.test.ts", "tools/test/**/*.slow.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        // Real processes.
        test: {
          name: "process",
          include: ["packages/*/test/**/*.process.test.ts", "tools/test/**/*.process.test.ts"],
          // Only what hangs takes so long, however busy the machine is: what has to be quick says so itself.
          testTimeout: 300_000,
          hookTimeout: 120_000,
          // They mostly wait: for processes that start, for deadlines that pass.
          maxWorkers: 2,
        },
      },
      {
        // One process, no waiting: each file takes a core.
        test: { name: "simulate", include: ["test/simulate/**/*.test.ts"], testTimeout: 900_000, maxWorkers: 2 },
      },
      ...[
        "power-cut",
        "crash",
        "bitrot",
        "model",
        "clients",
        "etcd",
        "cluster",
        "linearizability",
        "wire",
        "deploy",
        "console",
        "monitoring",
        "matrix",
        "milvus",
        "docs",
      ].map((name) => ({
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          exclude: leftOut,
          testTimeout: 600_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      })),
    ],
  },
});
