import { join } from "node:path";
import { root } from "../../harness/server.ts";
import type { ChartProgram } from "./chart-program.ts";

const folder = join(root, "deploy", "kubernetes");
const namespace = "kakera";

/** The files of deploy/kubernetes that are made from the chart, by path. */
export async function plainManifests(program: ChartProgram): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of ["cluster", "standalone"]) {
    const { manifests, failures } = await program.render("kakera", namespace, [join(folder, `${name}.values.yaml`)]);
    if (failures.length > 0) throw new Error(failures.join("\n"));
    files.set(join(folder, `${name}.yaml`), `${headOf(name)}${withoutHelm(manifests)}`);
  }
  return files;
}

function headOf(name: string): string {
  const secret = "--from-literal=rootUser=... --from-literal=rootPassword=...";
  const cluster = name === "cluster" ? ' --from-literal=clusterSecret="$(openssl rand -hex 32)"' : "";
  return `# Made from deploy/helm/kakera with ${name}.values.yaml by \`node test/deploy/write-manifests.ts\`. For the namespace ${namespace}:
#
#   kubectl create namespace ${namespace}
#   kubectl -n ${namespace} create secret generic kakera-keys ${secret}${cluster}
#   kubectl -n ${namespace} apply -f deploy/kubernetes/${name}.yaml
`;
}

/** Nobody's release: labels of Helm's would be untrue, and its test pod would be started at once. */
function withoutHelm(manifests: string): string {
  return manifests
    .split(/^---\n/m)
    .filter((document) => document !== "" && !document.includes("helm.sh/hook: test"))
    .map((document) => document.replaceAll(/^ *(helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, ""))
    .map((document) => `---\n${document}`)
    .join("");
}
