import { readFileSync } from "node:fs";

/** One recorded request of a client: its shape on the wire, and the status that its recording server gave. */
export interface RecordedRequest {
  readonly method: string;
  readonly target: string;
  /** In the order and spelling of the wire. */
  readonly headers: readonly (readonly [string, string])[];
  readonly payloadSizeBytes: number;
  /** The XML that a Complete sent. */
  readonly completeBody: string | null;
  readonly status: number;
}

export function readTrace(path: string): RecordedRequest[] {
  const requests: RecordedRequest[] = [];
  let current: {
    method: string;
    target: string;
    headers: [string, string][];
    payloadSizeBytes: number;
    completeBody: string | null;
  } | null = null;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const start = /^>>> (\S+) (\S+) HTTP/.exec(line);
    const header = /^ {4}([A-Za-z0-9-]+): (.*)$/.exec(line);
    const payload = /payload=(\d+)B/.exec(line);
    const complete = /## complete-body: (.*)$/.exec(line);
    const status = /^<<< (\d+)/.exec(line);
    if (start !== null) {
      current = {
        method: start[1] as string,
        target: start[2] as string,
        headers: [],
        payloadSizeBytes: 0,
        completeBody: null,
      };
    } else if (current === null) continue;
    else if (header !== null) current.headers.push([header[1] as string, header[2] as string]);
    else if (payload !== null) current.payloadSizeBytes = Number(payload[1]);
    else if (complete !== null) current.completeBody = complete[1] as string;
    else if (status !== null) {
      requests.push({ ...current, status: Number(status[1]) });
      current = null;
    }
  }
  return requests;
}
