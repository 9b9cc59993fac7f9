import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Member } from "../container/members-run.ts";
import { words, type ComposeFile } from "./compose-file.ts";

/** The services of a compose file, with volumes that are empty at first. */
export function membersOfCompose({ services }: ComposeFile, folder: string): Member[] {
  return Object.entries(services).map(([name, service]) => {
    const volumes = (service.volumes ?? []).map((volume) => {
      const [source = "", target = ""] = volume.split(":");
      return { source: join(folder, source), target };
    });
    for (const { source } of volumes) {
      mkdirSync(source);
      // As the image has it, whose folder a new volume is made from.
      chownSync(source, 10_001, 0);
    }
    const runs = service.image.includes("etcd") ? "etcd" : "kakera";
    const [, ...flags] = words(service.command);
    const args = runs === "etcd" ? flags : words(service.command);
    const options = { args, env: service.environment ?? {}, hostName: service.hostname ?? name, volumes };
    return { name, names: [], runs, options };
  });
}
