import { CommandFailure } from "../command-failure.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { ServerAnswer } from "./server-client.ts";

/** The body of a good answer; a CommandFailure in the server's own words for any other. */
export function judgeAnswer(answer: ServerAnswer): string {
  if (answer.status >= 200 && answer.status < 300) return answer.text;
  const { code, message, remedy } = readError(answer.text);
  throw new CommandFailure(code ?? `HTTP_${answer.status}`, message ?? `the server answered ${answer.status}`, {
    exitCode: exitCodeOf(answer),
    ...(remedy === null ? {} : { remedy }),
  });
}

/** A conflict (409) means "refused for safety" where the administration says it, and an S3 condition otherwise. */
function exitCodeOf({ status, text }: ServerAnswer): ExitCode {
  if (status === 401 || status === 403) return exitCodes.notPermitted;
  if (status === 503 || status === 504 || status === 502) return exitCodes.unreachable;
  if (status === 409 && text.startsWith("{")) return exitCodes.refused;
  return exitCodes.attention;
}

/** Errors of the administration are JSON, those of S3 operations XML. */
function readError(text: string): { code: string | null; message: string | null; remedy: string | null } {
  if (text.startsWith("{")) {
    const parsed = JSON.parse(text) as { reason?: string; message?: string; remedy?: string };
    return { code: parsed.reason ?? null, message: parsed.message ?? null, remedy: parsed.remedy ?? null };
  }
  return {
    code: /<Code>([^<]*)</.exec(text)?.[1] ?? null,
    message: /<Message>([^<]*)</.exec(text)?.[1] ?? null,
    remedy: null,
  };
}
