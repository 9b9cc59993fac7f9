import { createSeededRandom } from "@kakera/kernel";
import { testCredentials } from "../../harness/server.ts";
import { signHeaders } from "../../harness/sign.ts";
import type { RawConnection } from "../../../packages/gateway/test/fakes/raw-client.ts";
import { RandomRequests, type ExpectedRequest, type Stored } from "./random-requests.ts";
import { openConnection } from "./open-connection.ts";

/** Only what hangs takes so long, however busy the machine is. */
const answerMsMax = 120_000;
const requestsAtOnceMax = 6;

export interface RestlessWish {
  readonly endpoint: URL;
  readonly bucket: string;
  readonly seed: number;
  readonly batchCount: number;
  /** Where bodies are taken from. */
  readonly bytes: Buffer;
}

/**
 * One client over one connection at a time: requests alone or some at once, bodies in one piece or two, answers read quickly or slowly,
 * and every so often it goes away in the middle of one. Resolves to the number of answers, all of which were right.
 */
export async function runRestlessClient(wish: RestlessWish): Promise<number> {
  const prefix = `client-${wish.seed}/`;
  const requests = new RandomRequests({ ...wish, random: createSeededRandom(wish.seed), prefix });
  const stored: Stored = new Map();
  let connection = openConnection(wish.endpoint);
  let answered = 0;
  try {
    for (let batch = 0; batch < wish.batchCount; batch++) {
      if (requests.chance(0.05)) {
        await leaveWithin(connection, requests, { wish, stored });
        connection = openConnection(wish.endpoint);
      }
      answered += await answerAll(connection, requests, { wish, stored });
    }
  } finally {
    connection.destroy();
  }
  return answered;
}

interface Held {
  readonly wish: RestlessWish;
  readonly stored: Stored;
}

async function answerAll(connection: RawConnection, requests: RandomRequests, { wish, stored }: Held): Promise<number> {
  const count = requests.chance(0.3) ? 2 + requests.below(requestsAtOnceMax - 1) : 1;
  const batch = Array.from({ length: count }, () => requests.next(stored));
  for (const request of batch) {
    connection.send(headOf(request, wish.endpoint));
    const cut = requests.chance(0.1) ? requests.below(request.body.byteLength + 1) : request.body.byteLength;
    connection.send(request.body.subarray(0, cut));
    if (cut < request.body.byteLength) await pause(requests);
    connection.send(request.body.subarray(cut));
  }
  for (const [index, request] of batch.entries()) {
    const what = `client ${wish.seed}, ${index + 1} of ${batch.map(({ label }) => label).join(", ")}`;
    if (requests.chance(0.1)) await readNothing(connection, requests);
    const answer = await inTime(connection.answer(request.method === "HEAD" ? { hasBody: "no" } : {}), what).catch(
      (cause: unknown) => {
        throw new Error(`${what}: no answer`, { cause });
      },
    );
    const fault = request.fault(answer);
    if (fault !== null) throw new Error(`${what}: ${fault}; got ${answer.status}`);
    if (answer.headers.get("connection") === "close") throw new Error(`${what}: the connection ends`);
  }
  return batch.length;
}

/** Goes away in the middle of an upload or of an answer. Nothing of it changes what is stored. */
async function leaveWithin(connection: RawConnection, requests: RandomRequests, { wish, stored }: Held): Promise<void> {
  const [key = "none"] = stored.keys();
  for (let count = 1 + requests.below(3); count > 0; count--)
    connection.send(headOf(requests.get(key, stored), wish.endpoint));
  const upload = { method: "PUT", target: `/${wish.bucket}/${key}`, headers: { "content-length": "1000000" } };
  if (requests.chance(0.5)) {
    connection.send(headOf(upload, wish.endpoint));
    connection.send(wish.bytes.subarray(0, requests.below(1_000_000)));
  }
  await pause(requests);
  connection.destroy();
}

function headOf(request: Pick<ExpectedRequest, "method" | "target" | "headers">, endpoint: URL): Buffer {
  const { method, target } = request;
  const { headers } = signHeaders(
    { method, target, headers: { ...request.headers, host: endpoint.host } },
    testCredentials,
  );
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
}

/** What does not fit into the sockets stays with the server meanwhile. */
async function readNothing({ socket }: RawConnection, requests: RandomRequests): Promise<void> {
  socket.pause();
  await pause(requests);
  socket.resume();
}

/** Part of what a client is, and no waiting for a condition. */
function pause(requests: RandomRequests): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, requests.below(50)));
}

function inTime<T>(answer: Promise<T>, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: silence for ${answerMsMax} ms`)), answerMsMax);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
