import type { KeyAction, KeyOperation, KeyOutcome, PutCondition } from "../checkers/key-history.ts";
import { Machine } from "../world/machine.ts";
import { askProcess } from "./ask-process.ts";
import { Contents } from "./contents.ts";
import { callGateway, type S3Call, type S3Outcome } from "./s3-calls.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import type { GatewayLife } from "./simulated-gateway.ts";

export interface WorkloadSettings {
  readonly clientCount: number;
  readonly keyCount: number;
  /** Between two operations of one client, at most. */
  readonly pauseMsMax: number;
}

/** Clients that work on few keys through any gateway, and everything that they were told. */
export class Workload {
  readonly histories = new Map<string, KeyOperation[]>();
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
  async read(key: string, life: GatewayLife, by: string): Promise<S3Outcome> {
    return this.#perform({ key, life, by, action: { kind: "read" }, call: { method: "GET", key } });
  }

  async #run(by: string): Promise<void> {
    const { world } = this.#cluster;
    const client = new Machine(world, by);
    this.#openCount++;
    while (!this.#isOver) {
      await client.wait(world.between(1, this.#settings.pauseMsMax));
      const { life } = world.pick(this.#cluster.gateways);
      if (life === null || this.#isOver) continue;
      const key = world.pick(this.keys);
      await this.#perform({ key, life, by, ...this.#draw(key) });
    }
    this.#openCount--;
  }

  #draw(key: string): { action: KeyAction; call: S3Call } {
    const { world } = this.#cluster;
    const draw = world.random.fraction();
    if (draw < 0.4) return { action: { kind: "read" }, call: { method: "GET", key } };
    if (draw < 0.55) return { action: { kind: "delete" }, call: { method: "DELETE", key } };
    const { value, bytes } = this.contents.make(world.dice(1_000));
    const [condition, headers] = this.#drawCondition(key, draw);
    return { action: { kind: "put", value, condition }, call: { method: "PUT", key, headers, content: bytes } };
  }

  #drawCondition(key: string, draw: number): [PutCondition, string[]] {
    if (draw < 0.75) return [{ kind: "none" }, []];
    const value = this.#latest.get(key);
    if (draw < 0.9 || value === undefined) return [{ kind: "absent" }, ["if-none-match", "*"]];
    return [{ kind: "match", value }, ["if-match", `"${this.contents.etagOf(value)}"`]];
  }

  async #perform(of: {
    readonly key: string;
    readonly life: GatewayLife;
    readonly by: string;
    readonly action: KeyAction;
    readonly call: S3Call;
  }): Promise<S3Outcome> {
    const { key, life, by, action, call } = of;
    const { world } = this.#cluster;
    const startMs = world.time.nowMs;
    this.#openCount++;
    const reply = await askProcess(life.machine, () => callGateway(life.operations, call));
    const outcome: S3Outcome = reply.kind === "answered" ? reply.answer : { kind: "unknown", why: reply.why };
    this.#openCount--;
    const through = `${by} by ${life.machine.name}`;
    this.#note({ key, action, through, startMs, outcome });
    return outcome;
  }

  #note(of: { key: string; action: KeyAction; through: string; startMs: number; outcome: S3Outcome }): void {
    const { key, action, through: by, startMs, outcome } = of;
    const { world } = this.#cluster;
    const nowMs = world.time.nowMs;
    const why = "why" in outcome ? ` (${outcome.why})` : "";
    const value = action.kind === "put" ? ` ${action.value} if ${action.condition.kind}` : "";
    this.#count(`${action.kind} ${outcome.kind}`);
    const judged = this.#judge(action, outcome, `${key} ${by}`);
    const seen = judged?.kind === "done" && judged.seen !== null ? ` saw ${judged.seen}` : "";
    world.note(`${by}: ${action.kind}${value} ${key} ${outcome.kind}${seen}${why}`);
    if (action.kind === "read" && judged !== null) this.readTimesMs.push(nowMs - startMs);
    if (judged === null) return;
    const endMs = judged.kind === "unknown" ? Infinity : nowMs;
    const history = this.histories.get(key) ?? [];
    this.histories.set(key, history);
    history.push({ action, outcome: judged, startMs, endMs, by });
  }

  /** null: it certainly has not happened, and says nothing. */
  #judge(action: KeyAction, outcome: S3Outcome, where: string): KeyOutcome | null {
    switch (outcome.kind) {
      case "failed":
        return null;
      case "unknown":
        return action.kind === "read" ? null : { kind: "unknown" };
      case "refused":
        return { kind: "refused" };
      case "absent":
        return action.kind === "read" ? { kind: "done", seen: 0 } : { kind: "refused" };
      case "done":
        return { kind: "done", seen: action.kind === "read" ? this.#recognize(outcome.body, where) : null };
    }
  }

  #recognize(body: Buffer, where: string): number {
    const value = this.contents.recognize(body);
    if (value === null) this.#cluster.world.violated(`${where}: ${body.byteLength} bytes that nobody wrote`);
    else this.#latest.set(where.split(" ")[0] as string, value);
    return value ?? -1;
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}
