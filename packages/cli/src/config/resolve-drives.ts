import { resolve } from "node:path";
import { usageFailure } from "../command-failure.ts";
import type { MachineFacts } from "./machine-facts.ts";
import type { Address } from "./parse-values.ts";

interface ClusterWords {
  readonly etcd: readonly string[];
  readonly advertise: Address | null;
  readonly nodeAddress: Address;
  readonly host: string | null;
}

/**
 * The folders of this machine among `places` (paths or http://HOST/DIR), absolute and in order, and the number of hosts that
 * URLs name (null without URLs). Throws CommandFailure (usage).
 */
export function resolveDrives(
  places: readonly string[],
  words: ClusterWords,
  machine: MachineFacts,
): { drives: string[]; expectDomains: number | null } {
  if (places.length === 0) throw usageFailure("no drive folder is given", "kakera server ./data/drive{1...4}");
  const urls = places.filter((place) => /^[a-z][a-z0-9+.-]*:\/\//i.test(place));
  const paths = urls.length === 0 ? places : localPaths(places, urls, { ...words, machine });
  const drives = paths.map((path) => resolve(machine.workingDirectory, path));
  const twice = drives.find((drive, index) => drives.indexOf(drive) !== index);
  if (twice !== undefined) throw usageFailure(`the drive folder ${twice} is given twice`);
  return { drives, expectDomains: urls.length === 0 ? null : new Set(urls.map(hostOf)).size };
}

function localPaths(
  places: readonly string[],
  urls: readonly string[],
  words: ClusterWords & { readonly machine: MachineFacts },
): string[] {
  const first = urls[0] as string;
  if (words.etcd.length === 0) {
    throw usageFailure(`${first} names a host, which is for a cluster and needs --etcd`, "kakera server /data{1...4}");
  }
  if (urls.length !== places.length) throw usageFailure("folders and URLs of drives are mixed");
  const own = new Set([words.machine.hostName, words.host, words.advertise?.host, words.nodeAddress.host]);
  const mine = urls.filter((url) => own.has(hostOf(url)) || own.has(hostOf(url).split(".")[0] as string));
  if (mine.length === 0) {
    throw usageFailure(`none of the drives' hosts is this one (${words.machine.hostName})`, "--advertise HOST:PORT");
  }
  return mine.map((url) => new URL(url).pathname);
}

function hostOf(url: string): string {
  return new URL(url).hostname;
}
