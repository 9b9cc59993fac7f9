import { join } from "node:path";
import type { Random } from "@kakera/kernel";
import type { DemoMachine } from "./demo-machine.ts";

export interface DemoSecrets {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly clusterSecret: string;
}

/** Those of the folder, which a cluster that lies there asks for again; new ones for a new folder. */
export function keepSecrets(
  directory: string,
  components: { readonly machine: DemoMachine; readonly random: Random },
): DemoSecrets {
  const { machine, random } = components;
  const path = join(directory, "secrets.json");
  const kept = machine.readText(path);
  if (kept !== null) return JSON.parse(kept) as DemoSecrets;
  const hex = (byteCount: number): string => Buffer.from(random.bytes(byteCount)).toString("hex");
  const secrets = { accessKey: `demo-${hex(4)}`, secretKey: hex(20), clusterSecret: hex(32) };
  machine.writeSecret(path, JSON.stringify(secrets));
  return secrets;
}
