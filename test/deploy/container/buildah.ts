import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { run, runWell } from "../../harness/run.ts";
import { root } from "../../harness/server.ts";
import { hasProgram } from "../../harness/needs.ts";

const buildMsMax = 10 * 60_000;

/** What an image says of how it is to be run: Docker's words for it. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly StopSignal: string;
  readonly ExposedPorts: Readonly<Record<string, unknown>>;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

/**
 * Debian's buildah with images and containers of its own under `.cache/deploy`, where bases are kept from run to run. Its build steps run
 * in a chroot, without an engine, a daemon or a registry.
 */
export class Buildah {
  readonly #global: readonly string[];

  private constructor(driver: "overlay" | "vfs") {
    const place = join(root, ".cache", "deploy", driver);
    mkdirSync(place, { recursive: true });
    this.#global = ["--storage-driver", driver, "--root", join(place, "root"), "--runroot", join(place, "run")];
  }

  /** Null, and one line that says so, where images cannot be built; where skips are forbidden a missing program is a failure. */
  static async open(suite: string): Promise<Buildah | null> {
    if (!hasProgram("buildah", suite) || !hasProgram("debootstrap", suite)) return null;
    if (process.getuid?.() !== 0) {
      console.log(`SKIPPED ${suite}: images are built and run by root only`);
      return null;
    }
    let why = "";
    // A container on overlayfs cannot have another overlayfs on it; there layers are copied.
    for (const driver of ["overlay", "vfs"] as const) {
      const buildah = new Buildah(driver);
      const probed = await buildah.#try("from", "scratch");
      if (probed.status === 0) {
        const mounted = await buildah.#try("mount", probed.stdout.toString().trim());
        await buildah.removeContainers();
        if (mounted.status === 0) return buildah;
        why = mounted.stderr;
      } else why = probed.stderr;
    }
    console.log(`SKIPPED ${suite}: buildah cannot keep images here (${why.trim().split("\n").at(-1)})`);
    return null;
  }

  has(image: string): boolean {
    return spawnSync("buildah", [...this.#global, "inspect", "--type", "image", image]).status === 0;
  }

  /** A container to change by `copy`, `run` and `config`; "scratch" has nothing in it. */
  async from(image: string): Promise<string> {
    return (await this.call("from", image)).trim();
  }

  /** The folder in which the container's files are. */
  async mount(container: string): Promise<string> {
    return (await this.call("mount", container)).trim();
  }

  async commit(container: string, image: string): Promise<void> {
    await this.call("commit", "--quiet", "--format", "docker", "--rm", container, image);
  }

  async build(args: readonly string[]): Promise<void> {
    await this.call("bud", "--isolation", "chroot", "--format", "docker", "--layers", ...args, root);
  }

  async configOf(image: string): Promise<{ readonly config: ImageConfig; readonly sizeBytes: number }> {
    const told = JSON.parse(await this.call("inspect", "--type", "image", image)) as {
      Docker: { config: ImageConfig };
    };
    const [listed] = JSON.parse(await this.call("images", "--json", image)) as { size: string }[];
    const [, number = "", unit = ""] = /^([\d.]+) (k?B|MB|GB)$/.exec(listed?.size ?? "") ?? [];
    const unitBytes: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };
    return { config: told.Docker.config, sizeBytes: Number(number) * (unitBytes[unit] ?? Number.NaN) };
  }

  async call(...args: readonly string[]): Promise<string> {
    const ran = await runWell("buildah", [...this.#global, ...args], { env: environment(), withinMs: buildMsMax });
    return ran.stdout.toString();
  }

  async removeContainers(): Promise<void> {
    await this.#try("rm", "--all");
  }

  #try(...args: readonly string[]): ReturnType<typeof run> {
    return run("buildah", [...this.#global, ...args], { env: environment() });
  }
}

function environment(): Record<string, string> {
  return { HOME: process.env["HOME"] ?? "/root" };
}
