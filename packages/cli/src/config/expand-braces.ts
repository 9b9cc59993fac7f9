import { usageFailure } from "../command-failure.ts";

/** No machine has more drives; a typing error may ask for millions. */
const expandedMax = 1024;

/**
 * "/data{1...4}/{a,b}" -> eight paths, the last brace counting fastest. Within braces: ranges `1...4` or `1..4` (zeros in front
 * keep the width; letters count as well) and lists of ranges and words. Throws CommandFailure (usage).
 */
export function expandBraces(pattern: string): string[] {
  let expanded = [""];
  for (const piece of splitAtBraces(pattern)) {
    const choices = piece.kind === "literal" ? [piece.text] : choicesOf(piece.text, pattern);
    if (expanded.length * choices.length > expandedMax)
      throw usageFailure(`${pattern} names more than ${expandedMax} drives`);
    expanded = expanded.flatMap((prefix) => choices.map((choice) => prefix + choice));
  }
  return expanded;
}

/** Splits a list of patterns at spaces and commas, but not within braces. */
export function splitPatterns(text: string): string[] {
  const patterns: string[] = [];
  let pattern = "";
  let depth = 0;
  for (const character of text) {
    if (character === "{") depth++;
    if (character === "}") depth--;
    if (depth <= 0 && /[\s,]/.test(character)) {
      if (pattern !== "") patterns.push(pattern);
      pattern = "";
    } else pattern += character;
  }
  if (pattern !== "") patterns.push(pattern);
  return patterns;
}

type Piece = { readonly kind: "literal" | "braces"; readonly text: string };

function splitAtBraces(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  let rest = pattern;
  for (;;) {
    const open = rest.indexOf("{");
    const close = rest.indexOf("}");
    if (open === -1 && close === -1) return [...pieces, { kind: "literal", text: rest }];
    const inner = rest.slice(open + 1, close);
    if (open === -1 || close < open || inner.includes("{"))
      throw usageFailure(`the braces of ${pattern} do not pair up`);
    pieces.push({ kind: "literal", text: rest.slice(0, open) }, { kind: "braces", text: inner });
    rest = rest.slice(close + 1);
  }
}

function choicesOf(inner: string, pattern: string): string[] {
  const items = inner.split(",").map((item) => item.trim());
  const isRange = (item: string): boolean => item.includes("..");
  if (items.includes("") || (items.length === 1 && !isRange(items[0] as string))) {
    throw usageFailure(`{${inner}} in ${pattern} is neither a range nor a list`, "{1...4} or {a,b}");
  }
  return items.flatMap((item) => (isRange(item) ? rangeOf(item, pattern) : [item]));
}

function rangeOf(item: string, pattern: string): string[] {
  const numbers = /^(\d+)\.{2,3}(\d+)$/.exec(item);
  const letters = /^([a-z])\.{2,3}([a-z])$/i.exec(item);
  const [, first, last] = numbers ?? letters ?? [];
  if (first === undefined || last === undefined) throw usageFailure(`{${item}} in ${pattern} is no range`, "{1...4}");
  const from = numbers === null ? first.charCodeAt(0) : Number(first);
  const to = numbers === null ? last.charCodeAt(0) : Number(last);
  if (from > to) throw usageFailure(`the range {${item}} in ${pattern} counts down`);
  if (to - from >= expandedMax) throw usageFailure(`${pattern} names more than ${expandedMax} drives`);
  const width = first.startsWith("0") ? first.length : 0;
  const nameOf = (value: number): string =>
    numbers === null ? String.fromCharCode(value) : String(value).padStart(width, "0");
  return Array.from({ length: to - from + 1 }, (_, index) => nameOf(from + index));
}
