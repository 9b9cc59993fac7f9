/** One line of Prometheus' text form. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const linePattern = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const labelPattern = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const escapes: Readonly<Record<string, string>> = { "\\\\": "\\", '\\"': '"', "\\n": "\n" };

/** The samples of those names in a scrape, by name; others are passed over. */
export function parseSamples(text: string, names: ReadonlySet<string>): ReadonlyMap<string, readonly Sample[]> {
  const found = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    const [, name, labels, value] = linePattern.exec(line) ?? [];
    if (name === undefined || !names.has(name)) continue;
    const sample = { name, labels: parseLabels(labels ?? ""), value: Number(value) };
    const known = found.get(name);
    if (known === undefined) found.set(name, [sample]);
    else known.push(sample);
  }
  return found;
}

function parseLabels(text: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [, name, value] of text.matchAll(labelPattern))
    labels.set(
      name as string,
      (value as string).replaceAll(/\\[\\"n]/g, (pair) => escapes[pair] as string),
    );
  return labels;
}
