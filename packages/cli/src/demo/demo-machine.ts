/** A program that the demo started. */
export interface DemoProgram {
  readonly pid: number;
  /** Resolves when it is gone, to the words for how it ended. */
  readonly ended: Promise<string>;
  /** The last lines that it printed. */
  lastLines(): string;
  end(signal: "SIGTERM" | "SIGKILL"): void;
}

interface DemoCall {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The machine under `kakera demo`. */
export interface DemoMachine {
  /** Called with its arguments it is `kakera`: the program that runs now. */
  readonly kakera: { readonly command: string; readonly args: readonly string[] };
  /** Where programs that were built for this checkout lie. */
  readonly builtEtcd: string | null;
  /** What `PROGRAM --version` says first; null: there is no such program. */
  versionOf(program: string): string | null;
  start(call: DemoCall): DemoProgram;
  /** A port of 127.0.0.1 that nobody listens on now. */
  freePort(): Promise<number>;
  makeTemporaryFolder(): string;
  makeFolder(path: string): void;
  removeFolder(path: string): void;
  /** null: there is none. */
  readText(path: string): string | null;
  /** Only its owner may read it. */
  writeSecret(path: string, text: string): void;
  /** Calls `pressed` with each key, until it is aborted; does nothing where nobody sits. Ctrl-C is a signal as ever. */
  onKey(pressed: (key: string) => void, until: AbortSignal): void;
}
