import type { ClientOperation, PutOperation } from "../linearizability/history.ts";
import { Machine } from "../world/machine.ts";
import { askProcess } from "./ask-process.ts";
import { Contents } from "./contents.ts";
import { uploadInParts } from "./multipart-client.ts";
import { callGateway, type S3Call, type S3Outcome } from "./s3-calls.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import type { GatewayLife } from "./simulated-gateway.ts";

export interface WorkloadSettings {
  readonly clientCount: number;
  readonly keyCount: number;
  /** Between two operations of one client, at most. */
  readonly pauseMsMax: number;
}

/** Who asks whom. */
interface Asking {
  readonly by: string;
  readonly life: GatewayLife;
}

/** What a client was told, and when. */
interface Told {
  readonly outcome: S3Outcome;
  readonly callAt: number;
  readonly returnAt: number;
}

type Condition = PutOperation["condition"];

/** Clients that work on few keys through any gateway, and everything that they were told. */
export class Workload {
  /** What certainly has not happened is not in it. */
  readonly operations: ClientOperation[] = [];
  readonly counts = new Map<string, number>();
  readonly contents = new Contents();
  /** How long each GET that was answered took, milliseconds. */
  readonly readTimesMs: number[] = [];
  readonly #cluster: SimulatedCluster;
  readonly #settings: WorkloadSettings;
  readonly #latest = new Map<string, number>();
  #isOver = false;
  #openCount = 0;

  constructor(cluster: SimulatedCluster, settings: WorkloadSettings) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  /** Nothing is under way any more, after `stop`. */
  get isIdle(): boolean {
    return this.#openCount === 0;
  }

  get keys(): readonly string[] {
    return Array.from({ length: this.#settings.keyCount }, (_, index) => `key-${index + 1}`);
  }

  start(): void {
    for (let index = 1; index <= this.#settings.clientCount; index++) void this.#run(`client-${index}`);
  }

  stop(): void {
    this.#isOver = true;
  }

  /** One read by one gateway, which counts as the others do. */
  async read(key: string, asking: Asking): Promise<S3Outcome> {
    const { outcome, callAt, returnAt } = await this.#ask(asking, "read", { method: "GET", target: `/${key}` });
    if (outcome.kind !== "done" && outcome.kind !== "absent") return outcome;
    const seen = outcome.kind === "done" ? this.#recognize(key, outcome.body) : null;
    this.readTimesMs.push(returnAt - callAt);
    this.#tell({ kind: "read", key, seen, callAt, returnAt });
    return outcome;
  }

  /** All keys at one moment. */
  async list(asking: Asking): Promise<S3Outcome> {
    const { outcome, callAt, returnAt } = await this.#ask(asking, "list", { method: "GET", target: "?list-type=2" });
    if (outcome.kind !== "done") return outcome;
    const document = outcome.body.toString("utf8");
    const entries = [...document.matchAll(/<Contents>.*?<\/Contents>/gs)].map(([entry]): [string, string] => {
      const key = /<Key>([^<]*)<\/Key>/.exec(entry)?.[1] ?? "";
      const etag = /<ETag>(?:&quot;|")?([0-9a-f-]+)/.exec(entry)?.[1] ?? "";
      const value = this.contents.valueOf(etag);
      if (value === null) this.#cluster.world.violated(`a LIST names ${key} with ${etag}, which nobody wrote`);
      return [key, String(value)];
    });
    if (!document.includes("<IsTruncated>false<")) this.#cluster.world.violated("a LIST of few keys is cut");
    this.#tell({ kind: "list", seen: new Map(entries), callAt, returnAt });
    return outcome;
  }

  async #run(by: string): Promise<void> {
    const { world } = this.#cluster;
    const client = new Machine(world, by);
    this.#openCount++;
    while (!this.#isOver) {
      await client.wait(world.between(1, this.#settings.pauseMsMax));
      const { life } = world.pick(this.#cluster.gateways);
      if (life !== null && !this.#isOver) await this.#act({ by, life }, world.pick(this.keys));
    }
    this.#openCount--;
  }

  async #act(asking: Asking, key: string): Promise<void> {
    const draw = this.#cluster.world.random.fraction();
    if (draw < 0.34) await this.read(key, asking);
    else if (draw < 0.4) await this.list(asking);
    else if (draw < 0.52) await this.#delete(key, asking);
    else if (draw < 0.6) await this.#upload(key, asking);
    else await this.#put(key, asking);
  }

  async #delete(key: string, asking: Asking): Promise<void> {
    const { outcome, callAt, returnAt } = await this.#ask(asking, "delete", { method: "DELETE", target: `/${key}` });
    if (outcome.kind !== "failed") this.#tell({ kind: "delete", key, callAt, returnAt });
  }

  async #put(key: string, asking: Asking): Promise<void> {
    const { world } = this.#cluster;
    const { value, bytes } = this.contents.make(world.dice(1_000));
    const [condition, headers] = this.#drawCondition(key);
    const what = condition === null ? "put" : condition === "absent" ? "put if absent" : "put if match";
    const told = await this.#ask(asking, what, { method: "PUT", target: `/${key}`, headers, content: bytes });
    this.#tellPut({ key, value, condition }, told);
  }

  async #upload(key: string, { by, life: first }: Asking): Promise<void> {
    const { world, gateways } = this.#cluster;
    const ask = async (what: string, call: S3Call): Promise<S3Outcome> => {
      const life = world.pick(gateways).life ?? first;
      return (await this.#ask({ by, life }, what, call)).outcome;
    };
    const completed = await uploadInParts({ world, contents: this.contents, key, ask });
    if (completed === null) return;
    const { value, condition, outcome, calledMs: callAt } = completed;
    const returnAt = outcome.kind === "unknown" ? Infinity : world.time.nowMs;
    this.#tellPut({ key, value, condition }, { outcome, callAt, returnAt });
  }

  #drawCondition(key: string): [Condition, string[]] {
    const draw = this.#cluster.world.random.fraction();
    if (draw < 0.45) return [null, []];
    const value = this.#latest.get(key);
    if (draw < 0.75 || value === undefined) return ["absent", ["if-none-match", "*"]];
    return [{ matches: String(value) }, ["if-match", `"${this.contents.etagOf(value)}"`]];
  }

  async #ask({ by, life }: Asking, what: string, call: S3Call): Promise<Told> {
    const { world } = this.#cluster;
    const callAt = world.time.nowMs;
    this.#openCount++;
    const reply = await askProcess(life.machine, () => callGateway(life.operations, call));
    this.#openCount--;
    const outcome: S3Outcome = reply.kind === "answered" ? reply.answer : { kind: "unknown", why: reply.why };
    const why = "why" in outcome ? ` (${outcome.why})` : "";
    world.note(`${by} by ${life.machine.name}: ${what} ${call.target} ${outcome.kind}${why}`);
    const name = `${what} ${outcome.kind}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    return { outcome, callAt, returnAt: outcome.kind === "unknown" ? Infinity : world.time.nowMs };
  }

  #tellPut(
    { key, value, condition }: { readonly key: string; readonly value: number; readonly condition: Condition },
    { outcome: { kind }, callAt, returnAt }: Told,
  ): void {
    if (kind === "failed") return;
    const outcome = kind === "refused" ? "refused" : kind === "absent" ? "missing" : "done";
    this.#tell({ kind: "put", key, value: String(value), condition, outcome, callAt, returnAt });
  }

  #tell(operation: ClientOperation): void {
    this.operations.push(operation);
  }

  #recognize(key: string, body: Buffer): string {
    const value = this.contents.recognize(body);
    if (value === null) this.#cluster.world.violated(`${key} has ${body.byteLength} bytes that nobody wrote`);
    else this.#latest.set(key, value);
    return String(value);
  }
}
