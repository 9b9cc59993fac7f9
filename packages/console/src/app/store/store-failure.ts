import type { HttpAnswer } from "../drivers/transport.ts";

/** What the server refused, in its own words. `code`: S3's, or one of the reason codes. */
export class StoreFailure extends Error {
  override readonly name = "StoreFailure";
  readonly code: string;
  readonly status: number;
  readonly remedy: string | null;

  constructor(failure: { code: string; message: string; status: number; remedy?: string | null }) {
    super(failure.message);
    this.code = failure.code;
    this.status = failure.status;
    this.remedy = failure.remedy ?? null;
  }
}

/** The answer when it is good; StoreFailure is thrown for any other. Errors of the administration are JSON, those of S3 XML. */
export function judged<Answer extends HttpAnswer>(answer: Answer): Answer {
  if (answer.status >= 200 && answer.status < 300 && !/^\s*(<\?xml[^>]*>)?\s*<Error>/.test(answer.text)) return answer;
  throw readFailure(answer);
}

function readFailure({ status, text }: HttpAnswer): StoreFailure {
  const fallback = { code: `HTTP ${status}`, message: wordsOfStatus(status), status };
  if (text.startsWith("{")) {
    const told = JSON.parse(text) as { reason?: string; message?: string; remedy?: string };
    const { reason = fallback.code, message = fallback.message, remedy = null } = told;
    return new StoreFailure({ code: reason, message, status, remedy });
  }
  const code = /<Code>([^<]*)</.exec(text)?.[1] ?? fallback.code;
  const message = unescapeXml(/<Message>([^<]*)</.exec(text)?.[1] ?? fallback.message);
  return new StoreFailure({ code, message, status });
}

function wordsOfStatus(status: number): string {
  if (status === 404) return "There is nothing of this name.";
  if (status === 403) return "This key may not do that.";
  if (status === 503) return "The server cannot answer at this moment. Please try again.";
  return `The server answered ${status}.`;
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? "");
}
