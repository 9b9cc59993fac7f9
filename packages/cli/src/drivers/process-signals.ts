import { exitCodes } from "../exit-codes.ts";
import { endProcess } from "./end-process.ts";

type StopSignal = "SIGTERM" | "SIGINT";

/** The signals that a process of ours takes: contract.md section 7. */
export interface ProcessSignals {
  /** Aborted by the first SIGTERM or SIGINT; its reason is the signal's name. */
  readonly stopped: AbortSignal;
  /** Calls `reload` at every SIGHUP. */
  onReload(reload: () => void): void;
  /** From now on a second signal to stop ends the process at once; before this the first does. */
  drainOnStop(): void;
  /** From now on no signal to stop, nor SIGHUP, does anything: another process decides. */
  leaveToOwner(): void;
}

export function watchProcessSignals(): ProcessSignals {
  const controller = new AbortController();
  let isDraining = false;
  const stop = (signal: StopSignal): void => {
    const isFirst = !controller.signal.aborted;
    controller.abort(signal);
    if (isFirst && isDraining) return;
    endProcess(signal === "SIGINT" ? exitCodes.secondInterrupt : exitCodes.secondTerminate);
  };
  const ignored = (): void => {};
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  return {
    stopped: controller.signal,
    onReload: (reload) => void process.on("SIGHUP", reload),
    drainOnStop: () => {
      isDraining = true;
    },
    leaveToOwner: () => {
      process.off("SIGTERM", stop);
      process.off("SIGINT", stop);
      for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, ignored);
    },
  };
}
