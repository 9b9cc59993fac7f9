/**
 * One text of what one node tells and what others count: rows of the same name and labels are one row, of their sum. MinIO's paths of the
 * cluster and of buckets tell of all nodes, whichever is asked, and dashboards and scrapes that come from there count on it.
 */
export function mergeMetrics(own: string, others: readonly string[], isCounted: (name: string) => boolean): string {
  const families = familiesIn(own);
  for (const text of others) {
    for (const [name, theirs] of familiesIn(text)) {
      if (!isCounted(name)) continue;
      const ours = families.get(name);
      if (ours === undefined) families.set(name, theirs);
      else add(ours.rows, theirs.rows);
    }
  }
  const blocks = [...families.values()].map(({ head, rows }) =>
    [...head, ...[...rows].map(([series, value]) => `${series} ${value}`)].join("\n"),
  );
  return `${blocks.join("\n\n")}\n`;
}

interface Family {
  /** HELP and TYPE. */
  readonly head: readonly string[];
  /** By name and labels. */
  readonly rows: Map<string, string>;
}

function familiesIn(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  for (const block of text.split("\n\n")) {
    const lines = block.split("\n").filter((line) => line !== "");
    const name = /^# HELP (\S+)/.exec(lines[0] ?? "")?.[1];
    if (name === undefined) continue;
    const head = lines.filter((line) => line.startsWith("#"));
    const rows = new Map<string, string>();
    for (const line of lines) {
      if (line.startsWith("#")) continue;
      // Labels may hold spaces; a value holds none, and a timestamp is never told.
      const end = line.lastIndexOf(" ");
      rows.set(line.slice(0, end), line.slice(end + 1));
    }
    families.set(name, { head, rows });
  }
  return families;
}

function add(ours: Map<string, string>, theirs: ReadonlyMap<string, string>): void {
  for (const [series, value] of theirs) {
    const own = ours.get(series);
    ours.set(series, own === undefined ? value : String(Number(own) + Number(value)));
  }
}
