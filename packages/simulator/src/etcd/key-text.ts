/** A key as a latin1 text, one char for each byte: texts sort as their bytes do. */
export function textOf(key: Uint8Array | undefined): string {
  return Buffer.from(key ?? []).toString("latin1");
}

/** null: a NUL is no end. */
export function endOf(rangeEnd: Uint8Array): string | null {
  const text = textOf(rangeEnd);
  return text === "\0" ? null : text;
}
