/** Long suites go their whole length in `.ci/run`; `npm test`, which somebody waits for, goes a part of it. */
export function countFor(counts: { readonly ci: number; readonly here: number }): number {
  return process.env.CI === "true" ? counts.ci : counts.here;
}
