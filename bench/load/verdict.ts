/** What is asked of a figure. */
export type Asked = { readonly atMost: number } | { readonly atLeast: number } | "shown";

/** One line of the acceptance table: `figure` has its unit behind it; `detail` says what it was made of. */
export function report(what: string, figure: number, given: { asked: Asked; unit: string; detail: string }): void {
  const { asked, unit, detail } = given;
  console.log(`${verdictOf(figure, asked)} ${what}: ${round(figure)}${unit} (${describe(asked, unit)}), ${detail}`);
}

function verdictOf(figure: number, asked: Asked): string {
  if (asked === "shown") return "shown ";
  return ("atMost" in asked ? figure <= asked.atMost : figure >= asked.atLeast) ? "met   " : "MISSED";
}

function describe(asked: Asked, unit: string): string {
  if (asked === "shown") return "not judged";
  return "atMost" in asked ? `accept <= ${asked.atMost}${unit}` : `accept >= ${asked.atLeast}${unit}`;
}

function round(figure: number): string {
  return figure >= 100 ? figure.toFixed(0) : figure.toFixed(2);
}

/** Throws: a run with one wrong byte or one error says nothing. */
export function voidUnless(isRight: boolean, what: string): asserts isRight {
  if (!isRight) throw new Error(`void: ${what}`);
}
