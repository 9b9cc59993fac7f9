import { createS3Client, type Answer, type S3Client } from "./request.ts";
import type { Credentials } from "./sign.ts";

/** A client of a server in several processes, with a connection to each: by turns, or to one of them on purpose. */
export interface SpreadClient extends S3Client {
  /** One for each process: its requests go over one connection, so to one process as long as that connection lives. */
  readonly clients: readonly S3Client[];
  /** The processes that have answered so far, by the name that each gives itself. */
  readonly answeredBy: ReadonlySet<string>;
}

/** More connections than it takes to meet every process, by any luck that there is. */
const connectionsMax = 200;

/** The name that the process which gave the answer has given itself. */
export function processOf(answer: Pick<Answer, "headers">): string {
  return String(answer.headers["x-amz-id-2"]);
}

/** Connects until every one of so many processes has a connection. */
export async function createSpreadClient(
  endpoint: string,
  credentials: Credentials,
  processes: number,
): Promise<SpreadClient> {
  const byProcess = new Map<string, S3Client>();
  for (let count = 0; byProcess.size < processes; count++) {
    if (count === connectionsMax) throw new Error(`${byProcess.size} of ${processes} processes take connections`);
    const client = createS3Client(endpoint, credentials, { connections: 1 });
    const name = processOf(await client.send({ method: "GET", target: "/" }));
    if (byProcess.has(name)) client.close();
    else byProcess.set(name, client);
  }
  const clients = [...byProcess.values()];
  const answeredBy = new Set<string>();
  let turn = 0;
  return {
    clients,
    answeredBy,
    async send(request) {
      const answer = await (clients[turn++ % clients.length] as S3Client).send(request);
      answeredBy.add(processOf(answer));
      return answer;
    },
    close() {
      for (const client of clients) client.close();
    },
  };
}
