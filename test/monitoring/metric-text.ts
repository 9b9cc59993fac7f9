/** What a scrape says of a metric. */
export interface ShownMetric {
  readonly type: string;
  readonly help: string;
  /** Of its samples, sorted, without a histogram's `le`; null: it has no sample. */
  readonly labels: readonly string[] | null;
}

interface Growing {
  type: string;
  help: string;
  labels: Set<string> | null;
}

/** Reads Prometheus' text form, several texts as one. */
export function readMetrics(...texts: readonly string[]): Map<string, ShownMetric> {
  const metrics = new Map<string, Growing>();
  const at = (name: string): Growing => {
    const known = metrics.get(name);
    if (known !== undefined) return known;
    const made: Growing = { type: "", help: "", labels: null };
    metrics.set(name, made);
    return made;
  };
  for (const line of texts.flatMap((text) => text.split("\n"))) {
    const [, word, described = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === "HELP") at(described).help = rest;
    else if (word === "TYPE") at(described).type = rest;
    else if (line !== "" && !line.startsWith("#")) noteSample(metrics, line);
  }
  return new Map(
    [...metrics].map(([name, { type, help, labels }]) => [
      name,
      { type, help, labels: labels === null ? null : [...labels].toSorted() },
    ]),
  );
}

function noteSample(metrics: ReadonlyMap<string, Growing>, line: string): void {
  const [, sampled = "", , inner = ""] = /^([a-zA-Z_:][\w:]*)(\{(.*)\})? /.exec(line) ?? [];
  const ofHistogram = metrics.get(sampled.replace(/_(bucket|sum|count)$/, ""));
  const isOfHistogram = ofHistogram?.type === "histogram";
  const metric = isOfHistogram ? ofHistogram : metrics.get(sampled);
  if (metric === undefined) throw new Error(`a sample without a TYPE: ${line}`);
  metric.labels ??= new Set();
  for (const [, label = ""] of inner.matchAll(/([a-zA-Z_]\w*)="(?:[^"\\]|\\.)*"/g))
    if (!(isOfHistogram && label === "le")) metric.labels.add(label);
}

/** The rows of docs/metrics.md: name, type, labels, meaning. */
export function readDocument(text: string): Map<string, ShownMetric> {
  const rows = new Map<string, ShownMetric>();
  for (const line of text.split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    const name = /^`([a-z]\w+)`$/.exec(cells[1] ?? "")?.[1];
    if (name === undefined || cells.length !== 6) continue;
    const labels = [...(cells[3] ?? "").matchAll(/`(\w+)`/g)].map(([, label]) => label as string);
    rows.set(name, { type: cells[2] as string, labels: labels.toSorted(), help: cells[4] as string });
  }
  return rows;
}
