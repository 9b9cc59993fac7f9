import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Member } from "../container/members-run.ts";
import { environmentOf, type ContainerSpec, type Manifests } from "./manifests.ts";

interface Given {
  readonly namespace: string;
  /** Of every Secret that is mounted. */
  readonly secret: Readonly<Record<string, string>>;
  /** As whom a cluster would run the pods. */
  readonly user: string;
  /** The Service that stands for all nodes; its name leads to the first. */
  readonly service: string;
}

/** The pods of a release's StatefulSets, with volumes that are empty at first, and the Secrets that they mount. */
export function membersOfRelease(
  manifests: Manifests,
  { namespace, secret, user, service }: Given,
  folder: string,
): Member[] {
  return manifests.workloads.flatMap((workload) =>
    Array.from({ length: workload.spec.replicas }, (_, index): Member => {
      const name = `${workload.metadata.name}-${index}`;
      const { containers, volumes: mounted } = workload.spec.template.spec;
      const container = containers[0] as ContainerSpec;
      const env = environmentOf(container, { name, ip: "" });
      const volumes = container.volumeMounts.map((mount) => {
        const source = join(folder, `${name}-${mount.name}`);
        mkdirSync(source);
        // As a volume is with fsGroup 0.
        chmodSync(source, 0o2775);
        chownSync(source, 0, 0);
        if (mounted?.some((volume) => volume.name === mount.name && volume.secret !== undefined) === true)
          for (const [key, text] of Object.entries(secret)) writeFileSync(join(source, key), text, { mode: 0o440 });
        return { source, target: mount.mountPath };
      });
      const runs = container.name === "etcd" ? "etcd" : "kakera";
      const args = container.args.map((word) => word.replaceAll("$(POD_NAME)", name));
      const host = `${name}.${workload.spec.serviceName}.${namespace}.svc.cluster.local`;
      const ofService = runs === "kakera" && index === 0 ? [`${service}.${namespace}.svc`] : [];
      return { name, names: [host, ...ofService], runs, options: { args, env, hostName: name, user, volumes } };
    }),
  );
}
