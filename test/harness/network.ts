import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";

/** A machine of its own as far as its network goes: a namespace with one address, which everybody on the bridge reaches. */
export interface NetworkPlace {
  readonly namespace: string;
  readonly address: string;
}

const placesMax = 200;

/** Whether namespaces can be made here; one line `SKIPPED` says why not. */
export function canPartition(suite: string): boolean {
  const probe = `kakera-probe-${process.pid}`;
  const added = ip("netns", "add", probe);
  if (added.isDone) ip("netns", "del", probe);
  else console.log(`SKIPPED ${suite}: this machine forbids network namespaces (${added.why})`);
  return added.isDone;
}

/**
 * A bridge with places on it, which can be cut off from each other in one direction or both, and silently: packets vanish at the
 * receiver, on connections that stand as well. The test itself is on the bridge.
 */
export class TestNetwork implements Disposable {
  readonly #id = `kk${randomInt(0x1000, 0x10000).toString(16)}`;
  readonly #net = `10.${randomInt(64, 128)}.${randomInt(0, 256)}`;
  readonly #places: NetworkPlace[] = [];

  constructor() {
    mustIp("link", "add", this.#bridge, "type", "bridge");
    mustIp("addr", "add", `${this.#net}.1/24`, "dev", this.#bridge);
    mustIp("link", "set", this.#bridge, "up");
  }

  get #bridge(): string {
    return `${this.#id}br`;
  }

  addPlace(): NetworkPlace {
    const index = this.#places.length;
    if (index >= placesMax) throw new Error("a network has no more places");
    const [namespace, outside, inside] = [`${this.#id}n${index}`, `${this.#id}v${index}`, `${this.#id}p${index}`];
    const address = `${this.#net}.${index + 10}`;
    mustIp("netns", "add", namespace);
    this.#places.push({ namespace, address });
    mustIp("link", "add", outside, "type", "veth", "peer", "name", inside);
    mustIp("link", "set", inside, "netns", namespace);
    mustIp("link", "set", outside, "master", this.#bridge, "up");
    mustIp("-n", namespace, "addr", "add", `${address}/24`, "dev", inside);
    mustIp("-n", namespace, "link", "set", "lo", "up");
    mustIp("-n", namespace, "link", "set", inside, "up");
    // What arrives on connections that stand would pass by the rules otherwise, and what is for the place itself too.
    must("ip", ["netns", "exec", namespace, "sysctl", "-qw", "net.ipv4.ip_early_demux=0"]);
    mustIp("-n", namespace, "rule", "add", "pref", "10", "lookup", "local");
    mustIp("-n", namespace, "rule", "del", "pref", "0");
    return { namespace, address };
  }

  /** What `from` sends does not arrive at `to`, until it is healed. */
  cutOneWay(from: readonly NetworkPlace[], to: readonly NetworkPlace[]): void {
    for (const { namespace } of to)
      for (const { address } of from) mustIp("-n", namespace, "rule", "add", "pref", "1", "from", address, "blackhole");
  }

  cut(some: readonly NetworkPlace[], others: readonly NetworkPlace[]): void {
    this.cutOneWay(some, others);
    this.cutOneWay(others, some);
  }

  /** The place reaches nobody, the test included, and nobody it. */
  unplug(place: NetworkPlace): void {
    mustIp("link", "set", this.#linkOf(place), "down");
  }

  /** All is as at the beginning. */
  heal(): void {
    for (const place of this.#places) {
      mustIp("link", "set", this.#linkOf(place), "up");
      for (let index = 0; index < placesMax; index++)
        if (!ip("-n", place.namespace, "rule", "del", "pref", "1").isDone) break;
    }
  }

  /** The processes in it must have ended. */
  [Symbol.dispose](): void {
    for (const place of this.#places) {
      ip("link", "del", this.#linkOf(place));
      ip("netns", "del", place.namespace);
    }
    ip("link", "del", this.#bridge);
  }

  #linkOf({ namespace }: NetworkPlace): string {
    return namespace.replace("n", "v");
  }
}

/** How a program is called so that it runs there; anywhere for null. It keeps its process id. */
export function calledAt(
  place: NetworkPlace | null,
  program: string,
  args: readonly string[],
): { readonly program: string; readonly args: readonly string[] } {
  if (place === null) return { program, args };
  return { program: "ip", args: ["netns", "exec", place.namespace, program, ...args] };
}

function ip(...args: readonly string[]): { readonly isDone: boolean; readonly why: string } {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  return { isDone: status === 0, why: error?.message ?? stderr?.trim() ?? "" };
}

function mustIp(...args: readonly string[]): void {
  must("ip", args);
}

function must(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
}
