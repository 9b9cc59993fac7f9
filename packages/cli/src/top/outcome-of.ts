import { statusOfCode } from "@kakera/s3";

/** `refused`: the client got it wrong, or hung up. `failed`: the server did. */
export type Outcome = "answered" | "refused" | "failed";

/** `code`: a status, an S3 error code, or how a connection broke. */
export function outcomeOf(code: string): Outcome {
  // Who hangs up gets no answer, and that is no failure of the server.
  if (code === "ClientGone") return "refused";
  const status = statusOfCode(code) ?? 500;
  if (status >= 500) return "failed";
  return status >= 400 ? "refused" : "answered";
}
