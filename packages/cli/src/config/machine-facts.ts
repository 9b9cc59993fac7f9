/** What the settings depend on beside what people say. */
export interface MachineFacts {
  readonly hostName: string;
  readonly workingDirectory: string;
  readonly isTerminal: boolean;
  readonly coreCount: number;
  /** Memory limit of the control group; null: none. */
  readonly memoryLimitBytes: number | null;
}
