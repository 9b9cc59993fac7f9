/** What the head of a call says, of an HTTP/1.1 request that is read as far as nodes use HTTP. */
export interface CallHead {
  readonly method: string;
  readonly path: string;
  /** Of the body. NaN: it says none, or more than one; such a call is refused. */
  readonly sizeBytes: number;
  readonly traceparent: string | null;
  /** The caller closes the connection after this call. */
  readonly isLast: boolean;
}

const requestLine = /^([A-Z]+) (\/[^ ]*) HTTP\/1\.1$/;
/** 15 digits are a safe integer. */
const decimal = /^\d{1,15}$/;

/** null: the text, up to the empty line, is no head of HTTP/1.1. */
export function parseCallHead(text: string): CallHead | null {
  const [line = "", ...fields] = text.split("\r\n");
  const words = requestLine.exec(line);
  if (words === null) return null;
  const [, method = "", path = ""] = words;
  let lengthText: string | null = null;
  let traceparent: string | null = null;
  let isLast = false;
  for (const field of fields) {
    const colon = field.indexOf(":");
    if (colon <= 0) return null;
    const name = field.slice(0, colon).toLowerCase();
    const value = field.slice(colon + 1).trim();
    if (name === "content-length") lengthText = lengthText === null || lengthText === value ? value : "";
    // No node sends a body whose length it does not know.
    else if (name === "transfer-encoding") lengthText = "";
    else if (name === "traceparent") traceparent = value;
    else if (name === "connection" && value.toLowerCase() === "close") isLast = true;
  }
  const sizeBytes = lengthText !== null && decimal.test(lengthText) ? Number(lengthText) : Number.NaN;
  return { method, path, sizeBytes, traceparent, isLast };
}
