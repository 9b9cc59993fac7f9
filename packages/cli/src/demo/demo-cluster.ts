import { join } from "node:path";
import { SECOND_MS, sleep, type Clock } from "@kakera/kernel";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";
import type { DemoMachine, DemoProgram } from "./demo-machine.ts";
import type { DemoSecrets } from "./demo-secrets.ts";
import type { FoundEtcd } from "./find-etcd.ts";

export interface DemoSettings {
  readonly nodeCount: number;
  readonly drivesPerNode: number;
  readonly directory: string;
  readonly etcd: FoundEtcd;
  readonly secrets: DemoSecrets;
  readonly path: string;
}

/** One node: a process, or what became of it. */
export interface DemoNode {
  readonly name: string;
  readonly endpoint: string;
  readonly consoleEndpoint: string;
  readonly drives: readonly string[];
  readonly state:
    | { readonly kind: "running"; readonly program: DemoProgram }
    | { readonly kind: "ended"; readonly how: string; readonly startsAtMs: number };
}

type Seat = Omit<DemoNode, "state"> & { readonly args: readonly string[] };

/** A node that ended stays away for so long, so that one sees the others go on without it. */
const awayMs = 10 * SECOND_MS;
/** In-flight requests of a demo are short. */
const drainMsMax = 10 * SECOND_MS;
export const demoBucket = "demo";

/** One etcd and its nodes, all on 127.0.0.1, all processes of this one. */
export class DemoCluster {
  readonly #machine: DemoMachine;
  readonly #clock: Clock;
  readonly #settings: DemoSettings;
  readonly #etcd: DemoProgram;
  readonly #nodes = new Map<Seat, DemoNode["state"]>();
  #etcdEnd: string | null = null;
  #isStopping = false;

  static async start(
    components: { readonly machine: DemoMachine; readonly clock: Clock },
    settings: DemoSettings,
  ): Promise<DemoCluster> {
    const { machine } = components;
    const { directory, etcd, path } = settings;
    const [clientUrl, peerUrl] = [await machine.freePort(), await machine.freePort()].map(
      (port) => `http://127.0.0.1:${port}`,
    ) as [string, string];
    const program = machine.start({
      command: etcd.program,
      args: [
        "--name=demo",
        `--data-dir=${join(directory, "etcd")}`,
        `--listen-client-urls=${clientUrl}`,
        `--advertise-client-urls=${clientUrl}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=demo=${peerUrl}`,
      ],
      environment: { PATH: path },
    });
    const cluster = new DemoCluster(components, settings, program);
    for (let index = 0; index < settings.nodeCount; index++) cluster.#run(await cluster.#seat(index, clientUrl));
    return cluster;
  }

  private constructor(
    components: { readonly machine: DemoMachine; readonly clock: Clock },
    settings: DemoSettings,
    etcd: DemoProgram,
  ) {
    this.#machine = components.machine;
    this.#clock = components.clock;
    this.#settings = settings;
    this.#etcd = etcd;
    void etcd.ended.then((how) => {
      this.#etcdEnd = how;
    });
  }

  get nodes(): readonly DemoNode[] {
    return [...this.#nodes].map(([seat, state]) => ({ ...seat, state }));
  }

  /** Starts again what has been away for long enough. Throws CommandFailure when etcd has ended: nothing goes on without it. */
  tend(): void {
    if (this.#etcdEnd !== null)
      throw new CommandFailure("LOG_UNREACHABLE", `etcd ended (${this.#etcdEnd}): ${this.#etcd.lastLines()}`, {
        exitCode: exitCodes.unreachable,
      });
    const nowMs = this.#clock.monotonicMs();
    for (const [seat, state] of this.#nodes) if (state.kind === "ended" && state.startsAtMs <= nowMs) this.#run(seat);
  }

  /** Does not wait any longer for nodes that ended. */
  startAgain(): void {
    for (const [seat, state] of this.#nodes) if (state.kind === "ended") this.#run(seat);
  }

  /** Resolves when every process is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const programs = [...this.#nodes.values()].flatMap((state) => (state.kind === "running" ? [state.program] : []));
    await Promise.all(programs.map((program) => this.#end(program)));
    if (this.#etcdEnd === null) await this.#end(this.#etcd);
  }

  async #end(program: DemoProgram): Promise<void> {
    program.end("SIGTERM");
    const patience = new AbortController();
    const late = sleep(this.#clock, drainMsMax, patience.signal).then(
      () => program.end("SIGKILL"),
      () => {},
    );
    await program.ended;
    patience.abort();
    await late;
  }

  async #seat(index: number, etcdUrl: string): Promise<Seat> {
    const { directory, drivesPerNode, nodeCount, etcd } = this.#settings;
    const name = `node${index + 1}`;
    const address = async (): Promise<string> => `127.0.0.1:${await this.#machine.freePort()}`;
    const [s3, page, peers] = [await address(), await address(), await address()];
    const drives = Array.from({ length: drivesPerNode }, (_, drive) => join(directory, name, `drive${drive + 1}`));
    return {
      name,
      endpoint: `http://${s3}`,
      consoleEndpoint: `http://${page}`,
      drives,
      args: [
        "server",
        ...drives,
        `--address=${s3}`,
        `--console-address=${page}`,
        `--node-address=${peers}`,
        `--etcd=${etcdUrl}`,
        `--expect-domains=${nodeCount}`,
        `--host=${name}`,
        `--bucket=${demoBucket}`,
        ...(etcd.isOld ? ["--allow-old-etcd"] : []),
      ],
    };
  }

  #run(seat: Seat): void {
    const { secrets, path, directory } = this.#settings;
    const { kakera } = this.#machine;
    const program = this.#machine.start({
      command: kakera.command,
      args: [...kakera.args, ...seat.args],
      environment: {
        PATH: path,
        HOME: directory,
        UV_THREADPOOL_SIZE: "16",
        KAKERA_CLUSTER_SECRET: secrets.clusterSecret,
        KAKERA_ROOT_USER: secrets.accessKey,
        KAKERA_ROOT_PASSWORD: secrets.secretKey,
        KAKERA_METRICS_AUTH: "public",
      },
    });
    this.#nodes.set(seat, { kind: "running", program });
    void program.ended.then((how) => {
      if (this.#isStopping) return;
      this.#nodes.set(seat, { kind: "ended", how, startsAtMs: this.#clock.monotonicMs() + awayMs });
    });
  }
}
