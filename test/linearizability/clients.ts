import { createHash } from "node:crypto";
import { createSeededRandom, type Random } from "@kakera/kernel";
import type { ClientOperation, PutOperation } from "@kakera/simulator";
import type { Answer, Call, PresignedGateway, Silence } from "./presigned-gateway.ts";

export interface ClientsWish {
  readonly gateways: readonly PresignedGateway[];
  readonly buckets: readonly string[];
  readonly keys: readonly string[];
  readonly clientCount: number;
  readonly seed: number;
}

export interface Clients {
  /** Of operations that had an answer with an outcome. Throws an answer that no S3 server gives. */
  answeredCount(): number;
  /** Of operations that had none, or one that leaves the outcome open. */
  unansweredCount(): number;
  /** Resolves to what each bucket's clients did and were told, when all have returned. */
  stop(): Promise<ReadonlyMap<string, readonly ClientOperation[]>>;
}

/** In a record, in whole copies, and in shards. */
const bodySizes = [40, 40, 40, 200, 3_000, 3_000, 40_000] as const;
/** After a request without an answer, as any client waits before it comes again. */
const pauseMs = 25;

type Ask = Omit<PutOperation, "callAt" | "returnAt" | "outcome" | "value">;

/** Clients that all use the same few keys of the same few buckets, each request through any gateway, one request after the other. */
export function startClients(wish: ClientsWish): Clients {
  const histories = new Map<string, ClientOperation[]>(wish.buckets.map((bucket) => [bucket, []]));
  let [isOver, answered, unanswered] = [false, 0, 0];
  let wrong: Error | null = null;
  const run = async (number: number): Promise<void> => {
    const client = new Client(wish, number);
    while (!isOver) {
      const { bucket, operation } = await client.next();
      if (operation === null || operation.returnAt === Infinity) unanswered++;
      else answered++;
      if (operation !== null) histories.get(bucket)?.push(operation);
    }
  };
  const running = Promise.all(Array.from({ length: wish.clientCount }, (_, number) => run(number)));
  running.catch((failure: Error) => {
    isOver = true;
    wrong = failure;
  });
  return {
    answeredCount() {
      if (wrong !== null) throw wrong;
      return answered;
    },
    unansweredCount: () => unanswered,
    async stop() {
      isOver = true;
      await running;
      return histories;
    },
  };
}

class Client {
  readonly #wish: ClientsWish;
  readonly #random: Random;
  readonly #number: number;
  /** The object that it saw last: what an If-Match names, so that it is met as often as not. */
  #lastSeen: { readonly bucket: string; readonly key: string; readonly etag: string } | null = null;
  #writtenCount = 0;

  constructor(wish: ClientsWish, number: number) {
    this.#wish = wish;
    this.#number = number;
    this.#random = createSeededRandom(wish.seed * 1_000 + number);
  }

  /** `operation`: null if there is nothing to tell of it. */
  async next(): Promise<{ readonly bucket: string; readonly operation: ClientOperation | null }> {
    const what = this.#below(100);
    const replaced = this.#lastSeen;
    const { bucket, key } =
      what >= 88 && replaced !== null
        ? replaced
        : { bucket: this.#oneOf(this.#wish.buckets), key: this.#oneOf(this.#wish.keys) };
    const operation = await this.#ask({ what, bucket, key, replaced: replaced?.etag ?? null });
    if (operation === null || operation.returnAt === Infinity)
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    return { bucket, operation };
  }

  #ask(of: {
    readonly what: number;
    readonly bucket: string;
    readonly key: string;
    readonly replaced: string | null;
  }): Promise<ClientOperation | null> {
    const { what, bucket, key, replaced } = of;
    if (what < 8) return this.#list(bucket);
    if (what < 44) return this.#read(bucket, key, "GET");
    if (what < 54) return this.#read(bucket, key, "HEAD");
    if (what < 64) return this.#remove(bucket, key);
    if (what < 76) return this.#put(bucket, { kind: "put", key, condition: null });
    if (what < 88 || replaced === null) return this.#put(bucket, { kind: "put", key, condition: "absent" });
    return this.#put(bucket, { kind: "put", key, condition: { matches: replaced } });
  }

  async #read(bucket: string, key: string, method: "GET" | "HEAD"): Promise<ClientOperation | null> {
    const { answer, span } = await this.#send({ method, target: `/${bucket}/${key}` });
    if (isOpen(answer)) return null;
    let seen: string | null = null;
    if (answer.status === 200) {
      seen = answer.etag;
      // ETag and body are told by different parts of the gateway: that they belong together is seen here.
      if (method === "GET" && md5(answer.body) !== seen)
        throw new Error(`${bucket}/${key}: the body is not of ${seen}`);
      if (seen !== null) this.#lastSeen = { bucket, key, etag: seen };
    } else expectStatus(answer, 404);
    return { kind: "read", key, seen, ...span };
  }

  async #list(bucket: string): Promise<ClientOperation | null> {
    const { answer, span } = await this.#send({ method: "GET", target: `/${bucket}?list-type=2` });
    if (isOpen(answer)) return null;
    expectStatus(answer, 200);
    const seen = new Map<string, string>();
    for (const [, content = ""] of answer.body.toString().matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const etag = /<ETag>(?:&quot;|&#34;|")?([0-9a-f]{32})/.exec(content)?.[1];
      seen.set(/<Key>(.*?)<\/Key>/.exec(content)?.[1] ?? "", etag ?? "");
    }
    return { kind: "list", seen, ...span };
  }

  async #remove(bucket: string, key: string): Promise<ClientOperation | null> {
    const { answer, span } = await this.#send({ method: "DELETE", target: `/${bucket}/${key}` });
    if (answer === "unsent") return null;
    if (isOpen(answer)) return { kind: "delete", key, ...span, returnAt: Infinity };
    expectStatus(answer, 204);
    return { kind: "delete", key, ...span };
  }

  async #put(bucket: string, ask: Ask): Promise<ClientOperation | null> {
    const { condition, key } = ask;
    const body = Buffer.alloc(this.#oneOf(bodySizes), `${this.#number}-${this.#writtenCount++}-${this.#wish.seed} `);
    const value = md5(body);
    const headers: Record<string, string> = {};
    if (condition === "absent") headers["if-none-match"] = "*";
    else if (condition !== null) headers["if-match"] = `"${condition.matches}"`;
    const { answer, span } = await this.#send({ method: "PUT", target: `/${bucket}/${key}`, headers, body });
    if (answer === "unsent") return null;
    if (isOpen(answer)) return { ...ask, value, outcome: "done", ...span, returnAt: Infinity };
    // A conflict has not taken effect, whatever the state was: nothing to explain. If it had, the value would be seen.
    if (answer.status === 409) return null;
    if (answer.status === 200) {
      this.#lastSeen = { bucket, key, etag: value };
      return { ...ask, value, outcome: "done", ...span };
    }
    expectStatus(answer, condition === null ? 200 : answer.status === 404 && condition !== "absent" ? 404 : 412);
    return { ...ask, value, outcome: answer.status === 404 ? "missing" : "refused", ...span };
  }

  async #send(call: Call): Promise<{
    readonly answer: Answer | Silence;
    readonly span: { readonly callAt: number; readonly returnAt: number };
  }> {
    const gateway = this.#oneOf(this.#wish.gateways);
    const callAt = performance.now();
    const answer = await gateway.send(call);
    return { answer, span: { callAt, returnAt: performance.now() } };
  }

  #oneOf<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)] as T;
  }

  #below(count: number): number {
    return Math.floor(this.#random.fraction() * count);
  }
}

/** Whether it says nothing of what has happened, or will. */
function isOpen(answer: Answer | Silence): answer is Silence | (Answer & { readonly status: 500 | 503 }) {
  return typeof answer === "string" || answer.status === 503 || answer.status === 500;
}

function expectStatus(answer: Answer, status: number): void {
  if (answer.status !== status)
    throw new Error(`${answer.status}, not ${status}: ${answer.body.toString().slice(0, 500)}`);
}

const md5 = (bytes: Buffer): string => createHash("md5").update(bytes).digest("hex");
