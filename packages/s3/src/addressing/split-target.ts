/** A request target in its parts, nothing decoded; one char per byte. */
export interface SplitTarget {
  /** Of an absolute-form target, else null. */
  readonly authority: string | null;
  /** Begins with "/" (an OPTIONS target of "*" is "*"). */
  readonly rawPath: string;
  /** What follows "?"; "" when there is none. */
  readonly rawQuery: string;
}

/** null when the target is neither origin form ("/path?query") nor absolute form ("http://host/path?query") nor "*". */
export function splitTarget(target: string): SplitTarget | null {
  if (target.charCodeAt(0) === 0x2f) return splitOriginForm(target, null);
  if (target === "*") return { authority: null, rawPath: "*", rawQuery: "" };
  const scheme = /^https?:\/\//i.exec(target);
  if (scheme === null) return null;
  const rest = target.slice(scheme[0].length);
  const end = rest.search(/[/?]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const tail = end < 0 ? "/" : rest.slice(end);
  if (authority === "") return null;
  return splitOriginForm(tail.startsWith("?") ? `/${tail}` : tail, authority);
}

function splitOriginForm(target: string, authority: string | null): SplitTarget {
  const mark = target.indexOf("?");
  if (mark < 0) return { authority, rawPath: target, rawQuery: "" };
  return { authority, rawPath: target.slice(0, mark), rawQuery: target.slice(mark + 1) };
}
