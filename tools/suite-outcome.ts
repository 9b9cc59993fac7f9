/** What vitest's JSON report says of a suite, as far as totals and the closing list of failures need it. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTotalTests: number;
  readonly testResults: readonly {
    /** The file's absolute path. */
    readonly name: string;
    readonly status: string;
    /** Why the file as a whole failed: it could not be loaded, or a hook of it threw. */
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

/** One thing that failed: a test, a file, or the run itself. */
export interface Failure {
  readonly suite: string;
  /** The test's full name, or what else failed. */
  readonly name: string;
  /** First line of its error; empty: there is none. */
  readonly reason: string;
}

export interface SuiteOutcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
}

export interface SuiteRun {
  readonly suite: string;
  /** Text of the JSON report; null: the run ended before it wrote one. */
  readonly report: string | null;
  /** Exit status of the run; null: a signal ended it. */
  readonly status: number | null;
  readonly skips: "allowed" | "forbidden";
}

/** A run that wrote no report, ran no test, or ended badly without a failed test has failed once. A skip is a failure where skips are forbidden. */
export function readOutcome({ suite, report, status, skips }: SuiteRun): SuiteOutcome {
  const ended = status === null ? "was ended by a signal" : `ended with ${status}`;
  if (report === null) {
    const failure = { suite, name: "the run itself", reason: `it ${ended} and wrote no report` };
    return { passed: 0, failed: 1, skipped: 0, failures: [failure] };
  }
  const result = JSON.parse(report) as VitestReport;
  const skipped = result.numPendingTests;
  const failures = [...failedTests(suite, result), ...(skips === "forbidden" ? skippedTests(suite, result) : [])];
  let failed = result.numFailedTests + (skips === "forbidden" ? skipped : 0);
  if (failed === 0 && (status !== 0 || result.numTotalTests === 0)) {
    failed = 1;
    if (failures.length === 0) {
      const reason = result.numTotalTests === 0 ? "it ran no test" : `it ${ended} though no test failed`;
      failures.push({ suite, name: "the run itself", reason });
    }
  }
  return { passed: result.numPassedTests, failed, skipped, failures };
}

/** Lines for the end of a log: what failed, and the first line of why. */
export function describeFailures(failures: readonly Failure[]): string[] {
  return failures.map(
    ({ suite, name, reason }) => `FAILED ${suite}: ${name}${reason === "" ? "" : `\n       ${reason}`}`,
  );
}

function failedTests(suite: string, { testResults }: VitestReport): Failure[] {
  return testResults.flatMap((file) => {
    const tests = file.assertionResults.filter(({ status }) => status === "failed");
    if (tests.length === 0 && file.status === "failed")
      return [{ suite, name: file.name, reason: firstLine(file.message) }];
    return tests.map((test) => ({
      suite,
      name: test.fullName,
      reason: firstLine(test.failureMessages?.[0] ?? file.message),
    }));
  });
}

function skippedTests(suite: string, { testResults }: VitestReport): Failure[] {
  return testResults
    .flatMap((file) => file.assertionResults)
    .filter(({ status }) => status === "pending" || status === "skipped")
    .map((test) => ({ suite, name: test.fullName, reason: "it was skipped, and skips are forbidden" }));
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}
