import type { ExitCode } from "../exit-codes.ts";

/** Each is loaded when it is called: loading all of them takes several times as long as most of them take for what they do. */
export const commands = {
  bench: () => import("./bench.ts"),
  bucket: () => import("./bucket.ts"),
  credentials: () => import("./credentials.ts"),
  demo: () => import("./demo.ts"),
  doctor: () => import("./doctor.ts"),
  drive: () => import("./drive.ts"),
  explain: () => import("./explain.ts"),
  health: () => import("./health.ts"),
  metricsToken: () => import("./metrics-token.ts"),
  plan: () => import("./plan.ts"),
  recoverMetadata: () => import("./recover-metadata.ts"),
  repair: () => import("./repair.ts"),
  status: () => import("./status.ts"),
  top: () => import("./top.ts"),
  trace: () => import("./trace.ts"),
  verify: () => import("./verify.ts"),
};

/** Loads a command, runs it, and keeps how it ended. */
export type Keep = <Module>(
  load: () => Promise<Module>,
  run: (module: Module) => ExitCode | Promise<ExitCode>,
) => Promise<void>;
