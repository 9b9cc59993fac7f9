/** Moments as texts, and texts as moments. All are milliseconds since the epoch. */

/** As signatures have it: `20261129T174500Z`. */
export function stampOf(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

/** Of a header or an XML document; NaN: it is none. */
export function parseMoment(text: string): number {
  return Date.parse(text);
}

/** "2026-11-24 13:05:00", in the time zone of the person who looks. */
export function localTime(ms: number): string {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
