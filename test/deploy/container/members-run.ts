import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calledAt, TestNetwork, type NetworkPlace } from "../../harness/network.ts";
import { Container, type ContainerOptions, type Image } from "./container.ts";

/** A container of a compose file or a pod, as it is to be run. */
export interface Member {
  readonly name: string;
  /** Under which others find it, its own beside them. */
  readonly names: readonly string[];
  /** What its image is. */
  readonly runs: "kakera" | "etcd";
  readonly options: Omit<ContainerOptions, "hostsFile"> & { readonly args: readonly string[] };
}

/** What stands for the images that files name. */
interface Images {
  readonly kakera: Image;
  /** The path of etcd's program. */
  readonly etcd: string;
}

const withHosts = `mount --make-rprivate / && mount --bind "$1" /etc/hosts && shift && exec "$@"`;

/** Members that find each other by name, each at an address of its own: Kakera's in containers, etcd's as processes. */
export class MembersRun implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "kakera-members-"));
  readonly #network = new TestNetwork();
  readonly #places = new Map<string, NetworkPlace>();
  readonly #containers = new Map<string, Container>();
  readonly #others: ChildProcess[] = [];

  /** Starts all of them at once. `members` is told the folder in which volumes may be made; it is removed at the end. */
  constructor(images: Images, members: (folder: string) => readonly Member[]) {
    const all = members(this.#folder);
    for (const { name } of all) this.#places.set(name, this.#network.addPlace());
    const hostsFile = join(this.#folder, "hosts");
    const lines = all.map(({ name, names }) => `${this.#placeOf(name).address} ${[name, ...names].join(" ")}`);
    writeFileSync(hostsFile, ["127.0.0.1 localhost", ...lines, ""].join("\n"));
    for (const { name, runs, options } of all) {
      const place = this.#placeOf(name);
      if (runs === "kakera") this.#containers.set(name, new Container(images.kakera, place, { ...options, hostsFile }));
      else this.#startEtcd(images.etcd, { place, hostsFile, options });
    }
  }

  get containers(): Container[] {
    return [...this.#containers.values()];
  }

  container(name: string): Container {
    const container = this.#containers.get(name);
    if (container === undefined) throw new Error(`there is no container ${name}`);
    return container;
  }

  endpoint(name: string): string {
    return `http://${this.#placeOf(name).address}:9000`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.containers.map((container) => container.kill()));
    const ended = this.#others.map((other) => new Promise((resolve) => other.once("close", resolve)));
    for (const other of this.#others) other.kill("SIGKILL");
    await Promise.all(ended);
    this.#network[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #placeOf(name: string): NetworkPlace {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`there is no member ${name}`);
    return place;
  }

  /** Its image has nothing but its program: a process does, with its data where the volume is. */
  #startEtcd(program: string, of: { place: NetworkPlace; hostsFile: string; options: Member["options"] }): void {
    const flags = of.options.args.map((flag) =>
      of.options.volumes.reduce(
        (text, { source, target }) => text.replace(`--data-dir=${target}`, `--data-dir=${source}`),
        flag,
      ),
    );
    const called = calledAt(of.place, "unshare", [
      "--mount",
      "sh",
      "-c",
      withHosts,
      "sh",
      of.hostsFile,
      program,
      ...flags,
    ]);
    this.#others.push(spawn(called.program, called.args, { stdio: "ignore" }));
  }
}
