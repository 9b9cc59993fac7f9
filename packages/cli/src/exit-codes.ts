/** What the process says when it ends: contract.md section 7. */
export const exitCodes = {
  done: 0,
  /** Done, and something needs attention. */
  attention: 1,
  /** Command line, environment or configuration wrong. */
  usage: 2,
  /** Server or quorum not reached in time: trying again may help. */
  unreachable: 3,
  /** Refused for safety. */
  refused: 4,
  notPermitted: 5,
  dataLost: 6,
  /** A broken assumption of our own; a report file is named. */
  bug: 70,
  secondInterrupt: 130,
  secondTerminate: 143,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
