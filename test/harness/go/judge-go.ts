/** What there is to build a Go module with. */
export interface GoFacts {
  /** The module's `go.mod`, which says what Go it needs. */
  readonly moduleText: string;
  /** Of the Go that is there, as 1.26.8; null: there is none. */
  readonly version: string | null;
  /** Why none that is new enough could be installed; null: nobody has tried, or it is there. */
  readonly notInstallable: string | null;
}

/** Whether a module can be built. Only "not to be had" excuses a skip where skips are forbidden. */
export type GoVerdict = { readonly kind: "fit" } | { readonly kind: "missing" | "not to be had"; readonly why: string };

export function judgeGo({ moduleText, version, notInstallable }: GoFacts): GoVerdict {
  const needed = /^go (\S+)$/m.exec(moduleText)?.[1];
  if (needed === undefined) throw new Error("go.mod does not say what Go it needs");
  if (version !== null && isAtLeast(version, needed)) return { kind: "fit" };
  const lack = version === null ? `Go ${needed} is not installed` : `Go ${version} is older than ${needed}`;
  if (notInstallable === null) return { kind: "missing", why: lack };
  return { kind: "not to be had", why: `${lack}, and ${notInstallable}` };
}

function isAtLeast(version: string, needed: string): boolean {
  const [found, wanted] = [numbersOf(version), numbersOf(needed)];
  for (const [index, number] of wanted.entries()) {
    const difference = (found[index] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numbersOf(version: string): number[] {
  return [...version.matchAll(/\d+/g)].map(([digits]) => Number(digits));
}
