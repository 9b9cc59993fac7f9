/** What a page has a shell do, in order. */
export interface Step {
  /** The page's line where it begins. */
  readonly line: number;
  readonly script: string;
  readonly exitCode: number;
  /** Lines that it prints, in this order, others between them; `...` stands for anything within a line. */
  readonly expected: readonly string[];
}

/**
 * The steps of a page in Markdown: its ```sh blocks, and those that readers do not see, in comments:
 *
 *     <!-- sh
 *     what the test does in place of fate, or of hands: pulls a drive, waits
 *     -->
 *
 * A ```text block that follows shows what is printed. `<!-- exit: 1 -->` before a block: it ends so. Other blocks are not run.
 */
export function readPage(markdown: string): Step[] {
  const steps: Step[] = [];
  let exitCode = 0;
  let mayShow = false;
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    const opened = /^```(\w*)$/.exec(line)?.[1] ?? (line === "<!-- sh" ? "hidden" : null);
    const wanted = /^<!-- exit: (\d+) -->$/.exec(line)?.[1];
    if (wanted !== undefined) exitCode = Number(wanted);
    if (opened === null) {
      if (line !== "") mayShow = false;
      continue;
    }
    const end = lines.indexOf(opened === "hidden" ? "-->" : "```", at + 1);
    if (end === -1) throw new Error(`line ${at + 1}: the block does not end`);
    const body = lines.slice(at + 1, end);
    if (opened === "sh" || opened === "hidden") {
      steps.push({ line: at + 1, script: body.join("\n"), exitCode, expected: [] });
      exitCode = 0;
    } else if (opened === "text" && mayShow) {
      const last = steps.pop() as Step;
      steps.push({ ...last, expected: body.filter((each) => each.trim() !== "" && each.trim() !== "...") });
    }
    mayShow = opened === "sh";
    at = end;
  }
  return steps;
}

/** The first of the lines that was not printed after those before it; null: all were. */
export function findMissing(printed: string, expected: readonly string[]): string | null {
  const left = printed.split("\n");
  for (const line of expected) {
    const pattern = new RegExp(`^${line.trim().split("...").map(escape).join(".*")}$`);
    const at = left.findIndex((each) => pattern.test(each.trim()));
    if (at === -1) return line;
    left.splice(0, at + 1);
  }
  return null;
}

/** Columns are as wide as their widest cell, which is another one here. */
function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/ +/g, " +");
}
