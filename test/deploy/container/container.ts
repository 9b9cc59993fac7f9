import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, type Ran } from "../../harness/run.ts";
import { until } from "../../harness/server.ts";
import { calledAt, type NetworkPlace } from "../../harness/network.ts";
import type { ImageConfig } from "./buildah.ts";

/** An image whose files lie in a folder. */
export interface Image {
  readonly name: string;
  readonly files: string;
  readonly config: ImageConfig;
  readonly sizeBytes: number;
}

export interface Volume {
  readonly source: string;
  readonly target: string;
}

export interface ContainerOptions {
  /** As UID:GID; the image's own otherwise. */
  readonly user?: string;
  /** In place of the image's entry point, as Kubernetes' `command`. */
  readonly command?: readonly string[];
  /** In place of the image's CMD. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Folders of this machine, and where they are mounted; nothing else can be written to. Their paths have no spaces. */
  readonly volumes: readonly Volume[];
  readonly hostName?: string;
  /** A file that is mounted as /etc/hosts. */
  readonly hostsFile?: string;
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What a runtime does before it becomes the container's first process: its own mounts, a read-only root, no privileges to gain. */
const enter = `set -eu
files=$1 user=$2 volumes=$3 name=$4; shift 4
mount --make-rprivate /
hostname "$name"
mount --bind "$files" "$files"
for volume in $volumes; do mount --bind "\${volume%:*}" "$files\${volume#*:}"; done
mount --rbind /dev "$files/dev"
mount -t proc proc "$files/proc"
mount -o remount,bind,ro "$files"
exec setpriv --no-new-privs chroot --groups= --userspec="$user" "$files" "$@"`;

/**
 * A container as an engine would run it: processes, mounts and network of its own, the image's user, environment and entry point, a root that
 * cannot be written to. Its first process has the id 1 in it, for which the kernel keeps signals back that it does not handle.
 */
export class Container {
  readonly #image: Image;
  readonly #options: ContainerOptions;
  readonly #runner: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = "";

  constructor(image: Image, place: NetworkPlace, options: ContainerOptions) {
    this.#image = image;
    this.#options = options;
    const { config } = image;
    const command = options.command ?? config.Entrypoint;
    // A container whose entry point is given anew has no CMD but one that is given too.
    const args = options.args ?? (options.command === undefined ? config.Cmd : []);
    const { hostName = "container", hostsFile } = options;
    // Where an engine makes the places that it mounts over.
    for (const { target } of options.volumes) mkdirSync(join(image.files, target), { recursive: true });
    const volumes = options.volumes.map(({ source, target }) => `${source}:${target}`);
    if (hostsFile !== undefined) {
      writeFileSync(join(image.files, "etc", "hosts"), "");
      volumes.push(`${hostsFile}:/etc/hosts`);
    }
    const given = [image.files, this.#user, volumes.join(" "), hostName];
    const inside = ["sh", "-c", enter, "sh", ...given, ...command, ...args];
    const called = calledAt(place, "unshare", ["--mount", "--uts", "--pid", "--fork", ...inside]);
    this.#runner = spawn(called.program, called.args, { stdio: ["ignore", "pipe", "pipe"], env: this.#environment });
    this.#runner.stdout?.on("data", (bytes: Buffer) => (this.#output += bytes.toString()));
    this.#runner.stderr?.on("data", (bytes: Buffer) => (this.#output += bytes.toString()));
    this.#ended = new Promise((resolve) => this.#runner.once("close", (code) => resolve(code)));
  }

  get #user(): string {
    return this.#options.user ?? this.#image.config.User;
  }

  get #environment(): Record<string, string> {
    const own = Object.fromEntries(this.#image.config.Env.map((line) => line.split(/=(.*)/s).slice(0, 2)));
    return { PATH: path, ...own, ...this.#options.env };
  }

  output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#runner.exitCode === null && this.#runner.signalCode === null;
  }

  /** Resolves to what its first process ended with. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Runs a program in it, as `docker exec` does: the same files, user and environment. */
  async exec(...command: readonly string[]): Promise<Ran> {
    await until("the container's files are its root", () => {
      const [first] = this.#processes();
      return first !== undefined && readlinkSync(`/proc/${first}/root`) !== "/";
    });
    const [uid = "0", gid = "0"] = this.#user.split(":");
    const spaces = ["--mount", "--pid", "--net", "--root", "--wd"];
    const target = ["--target", String(this.#firstProcess()), "--setuid", uid, "--setgid", gid];
    return await run("nsenter", [...target, ...spaces, ...command], { env: this.#environment, withinMs: 60_000 });
  }

  /** Runs the image's own health check. */
  healthCheck(): Promise<Ran> {
    const [kind, ...command] = this.#image.config.Healthcheck.Test;
    if (kind !== "CMD") throw new Error(`a health check by ${kind} needs a shell`);
    return this.exec(...command);
  }

  /** Until a GET of `url` answers 200; rejects with what was printed when the container ends before. */
  async untilServing(url: string): Promise<void> {
    await until(`${url} answers 200`, async () => {
      if (!this.isRunning) throw new Error(`the container ended (${await this.#ended}):\n${this.#output}`);
      return (await fetch(url).catch(() => null))?.status === 200;
    });
  }

  /** The image's STOPSIGNAL to its first process; resolves to what that ended with. */
  async stop(): Promise<number | null> {
    if (this.isRunning) process.kill(this.#firstProcess(), this.#image.config.StopSignal as NodeJS.Signals);
    return await this.#ended;
  }

  async kill(): Promise<void> {
    // All that runs in it ends with its first process.
    for (const first of this.#processes()) process.kill(first, "SIGKILL");
    await this.#ended;
  }

  /** As this machine numbers it. */
  #firstProcess(): number {
    const [first] = this.#processes();
    if (first === undefined) throw new Error(`the container has no process:\n${this.#output}`);
    return first;
  }

  #processes(): number[] {
    const runner = this.#runner.pid as number;
    if (!this.isRunning) return [];
    const children = readFileSync(`/proc/${runner}/task/${runner}/children`, "utf8").trim();
    return children === "" ? [] : children.split(" ").map(Number);
  }
}
