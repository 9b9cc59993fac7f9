import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../harness/server.ts";
import { documentsOf } from "../charts/chart-program.ts";

/** What tests look at of a service. */
export interface Service {
  readonly image: string;
  readonly hostname?: string;
  readonly command?: string | readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: readonly string[];
}
export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/** What the cluster's file asks for. */
export const given = {
  KAKERA_CLUSTER_SECRET: "0123456789012345678901234567890123456789",
  KAKERA_ROOT_USER: "operator",
  KAKERA_ROOT_PASSWORD: "a-long-password",
};

/** A file as docker compose reads it: anchors merged, then variables replaced in its texts. */
export function compose(name: string, variables: Readonly<Record<string, string>> = given): ComposeFile {
  const text = readFileSync(join(root, "deploy", "compose", name), "utf8");
  return replaced(documentsOf<ComposeFile>(text)[0], variables) as ComposeFile;
}

function replaced(node: unknown, variables: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(node)) return node.map((item) => replaced(item, variables));
  if (typeof node === "object" && node !== null)
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, replaced(value, variables)]));
  if (typeof node !== "string") return node;
  return node.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, variable: string, kind = "", rest = "") => {
    const value = variables[variable] ?? "";
    if (value === "" && kind === "?") throw new Error(`${variable}: ${rest}`);
    return value === "" ? rest : value;
  });
}

/** As docker compose splits a command that is one text. */
export function words(command: Service["command"] = []): string[] {
  return typeof command === "string"
    ? [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => (quoted ?? plain) as string)
    : [...command];
}
