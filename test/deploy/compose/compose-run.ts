import { spawn, type ChildProcess } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calledAt, TestNetwork, type NetworkPlace } from "../../harness/network.ts";
import { Container, type Image } from "../container/container.ts";
import { words, type ComposeFile, type Service } from "./compose-file.ts";

/** What stands for the images that a file names. */
interface Images {
  readonly kakera: Image;
  /** The path of etcd's program. */
  readonly etcd: string;
}

const inItsRoot = `mount --make-rprivate / && mount --bind "$1" /etc/hosts && shift && exec "$@"`;

/**
 * The services of a compose file, each with a name and an address of its own, and volumes that are empty at first: Kakera's in containers,
 * etcd's as processes.
 */
export class ComposeRun implements AsyncDisposable {
  readonly containers = new Map<string, Container>();
  readonly #folder = mkdtempSync(join(tmpdir(), "kakera-compose-"));
  readonly #network = new TestNetwork();
  readonly #places = new Map<string, NetworkPlace>();
  readonly #others: ChildProcess[] = [];

  constructor({ services }: ComposeFile, images: Images) {
    for (const name of Object.keys(services)) this.#places.set(name, this.#network.addPlace());
    const lines = [...this.#places].map(([name, place]) => `${place.address} ${name}`);
    const hostsFile = join(this.#folder, "hosts");
    writeFileSync(hostsFile, ["127.0.0.1 localhost", ...lines, ""].join("\n"));
    for (const [name, service] of Object.entries(services)) {
      const [volume = "", target = ""] = service.volumes?.[0]?.split(":") ?? [];
      const source = join(this.#folder, volume);
      mkdirSync(source);
      const place = this.#placeOf(name);
      if (service.image.includes("etcd")) this.#startOther({ service, place, hostsFile, source, target }, images.etcd);
      else {
        // As the image has it, whose folder a new volume is made from.
        chownSync(source, 10_001, 0);
        const { environment: env = {}, hostname: hostName = name } = service;
        const args = words(service.command);
        this.containers.set(
          name,
          new Container(images.kakera, place, { args, env, hostName, hostsFile, volume: { source, target } }),
        );
      }
    }
  }

  endpoint(name: string): string {
    return `http://${this.#placeOf(name).address}:9000`;
  }

  container(name: string): Container {
    const container = this.containers.get(name);
    if (container === undefined) throw new Error(`there is no container ${name}`);
    return container;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.containers.values()].map((container) => container.kill()));
    const ended = this.#others.map((other) => new Promise((resolve) => other.once("close", resolve)));
    for (const other of this.#others) other.kill("SIGKILL");
    await Promise.all(ended);
    this.#network[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #placeOf(name: string): NetworkPlace {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`there is no service ${name}`);
    return place;
  }

  #startOther(
    of: { service: Service; place: NetworkPlace; hostsFile: string; source: string; target: string },
    program: string,
  ): void {
    const [, ...flags] = words(of.service.command).map((word) =>
      word.replace(`--data-dir=${of.target}`, `--data-dir=${of.source}`),
    );
    const inside = ["--mount", "sh", "-c", inItsRoot, "sh", of.hostsFile, program, ...flags];
    const called = calledAt(of.place, "unshare", inside);
    this.#others.push(spawn(called.program, called.args, { stdio: "ignore" }));
  }
}
