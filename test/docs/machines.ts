import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EtcdPrograms } from "../harness/etcd/obtain-etcd.ts";
import { freePort } from "../harness/free-port.ts";
import { run } from "../harness/run.ts";
import { root as checkout, testCredentials, until } from "../harness/server.ts";

const env = {
  KAKERA_ROOT_USER: testCredentials.accessKey,
  KAKERA_ROOT_PASSWORD: testCredentials.secretKey,
  KAKERA_CLUSTER_SECRET: "a secret that every node of the cluster has",
  KAKERA_METRICS_AUTH: "public",
  KAKERA_TEST_SETTINGS: JSON.stringify({
    maintenanceIntervalMs: 300,
    sessionTtlSeconds: 10,
    archiveIntervalMs: 300,
    groupCount: 8,
  }),
};

/**
 * The machines that the pages speak of, each a folder with drives below mnt/ and units that `systemctl` starts and stops: an etcd, and nodes
 * of a cluster whose processes are real. `ssh MACHINE COMMAND` is a shell in whose commands the machine's folders stand for /mnt.
 */
export class Machines implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), "kakera-docs-"));
  readonly #programs: EtcdPrograms;
  readonly #expectDomains: number;
  #etcdUrl = "";

  constructor(programs: EtcdPrograms, expectDomains: number) {
    // Units are nobody's children: a run that is killed would leave them behind.
    const watch = join(import.meta.dirname, "bin", "end-units-with");
    spawn(watch, [String(process.pid), this.root], { detached: true, stdio: "ignore" }).unref();
    this.#programs = programs;
    this.#expectDomains = expectDomains;
  }

  /** Of a shell in which a page is run. */
  get environment(): Record<string, string> {
    return {
      PATH: `${join(import.meta.dirname, "bin")}:${join(this.root, "bin")}:${join(checkout, "bin")}:${process.env["PATH"] ?? ""}`,
      HOME: this.root,
      LC_ALL: "C.UTF-8",
      DOCS_ROOT: this.root,
      KAKERA_ENDPOINT: this.urlOf("node1"),
      KAKERA_ACCESS_KEY: testCredentials.accessKey,
      KAKERA_SECRET_KEY: testCredentials.secretKey,
    };
  }

  urlOf(machine: string): string {
    return readFileSync(join(this.root, machine, "url"), "utf8");
  }

  /** What pages call http://MACHINE:9000 and http://etcd:2379, as it is here. */
  localise(script: string): string {
    return script
      .replaceAll(/http:\/\/(node\d):9000/g, (_, machine: string) => this.urlOf(machine))
      .replaceAll("http://etcd:2379", this.#etcdUrl);
  }

  /** Folders and addresses as the pages have them. */
  generalise(printed: string): string {
    return printed
      .replaceAll(new RegExp(`${this.root}/\\w+(?=/)`, "g"), "")
      .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "http://node1:9000");
  }

  async addEtcd(): Promise<void> {
    this.#etcdUrl = `http://127.0.0.1:${await freePort()}`;
    const peerUrl = `http://127.0.0.1:${await freePort()}`;
    const place = join(this.root, "etcd");
    mkdirSync(join(place, "var", "lib"), { recursive: true });
    mkdirSync(join(this.root, "bin"));
    symlinkSync(this.#programs.etcdctl, join(this.root, "bin", "etcdctl"));
    this.#addUnit("etcd", "etcd", [
      this.#programs.server,
      `--name=etcd`,
      `--data-dir=${join(place, "var", "lib", "etcd")}`,
      `--listen-client-urls=${this.#etcdUrl}`,
      `--advertise-client-urls=${this.#etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=etcd=${peerUrl}`,
      "--unsafe-no-fsync",
    ]);
  }

  /** It does not run yet. */
  async addNode(machine: string): Promise<void> {
    const [port, consolePort, nodePort] = [await freePort(), await freePort(), await freePort()];
    const place = join(this.root, machine);
    mkdirSync(join(place, "mnt"), { recursive: true });
    writeFileSync(join(place, "url"), `http://127.0.0.1:${port}`);
    this.#addUnit(machine, "kakera", [
      join(checkout, "bin", "kakera"),
      "server",
      join(place, "mnt", "disk{1...2}"),
      `--address=127.0.0.1:${port}`,
      `--console-address=127.0.0.1:${consolePort}`,
      `--node-address=127.0.0.1:${nodePort}`,
      `--host=${machine}`,
      `--etcd=${this.#etcdUrl}`,
      `--expect-domains=${this.#expectDomains}`,
    ]);
  }

  async systemctl(machine: string, verb: "start" | "stop", unit: string): Promise<void> {
    const args = [machine, "systemctl", verb, unit];
    const { status, stderr } = await run(join(import.meta.dirname, "bin", "ssh"), args, { env: this.environment });
    if (status !== 0) throw new Error(stderr);
  }

  async ready(machine: string): Promise<void> {
    await until(`${machine} is ready`, async () =>
      fetch(`${this.urlOf(machine)}/health/ready`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
  }

  /** The last words of every unit. */
  logs(): string {
    return this.#units()
      .map((place) => `--- ${place}\n${readIfThere(join(place, "log")).slice(-2_000)}`)
      .join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const place of this.#units()) {
      const pid = Number(readIfThere(join(place, "pid")));
      if (pid > 1) killIfThere(pid);
    }
    rmSync(this.root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #addUnit(machine: string, unit: string, command: readonly string[]): void {
    const place = join(this.root, machine, "units", unit);
    mkdirSync(place, { recursive: true });
    const exports = Object.entries({ ...env, HOME: this.root }).map(([name, value]) => `export ${name}='${value}'`);
    const script = ["#!/bin/sh", ...exports, `exec ${command.map((word) => `'${word}'`).join(" ")}`];
    writeFileSync(join(place, "run"), `${script.join("\n")}\n`);
    chmodSync(join(place, "run"), 0o700);
  }

  #units(): string[] {
    return readdirSync(this.root).flatMap((machine) => {
      const units = join(this.root, machine, "units");
      return existsSync(units) ? readdirSync(units).map((unit) => join(units, unit)) : [];
    });
  }
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
