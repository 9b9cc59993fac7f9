import { documentsOf } from "./chart-program.ts";

/** What tests look at of Kubernetes' objects. That the rest is as Kubernetes defines it, its own types have checked. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}
export type Labels = Readonly<Record<string, string>>;

export interface Workload extends Manifest {
  readonly kind: "StatefulSet" | "Deployment";
  readonly spec: {
    readonly replicas: number;
    readonly serviceName?: string;
    readonly podManagementPolicy?: string;
    readonly persistentVolumeClaimRetentionPolicy?: { readonly whenDeleted: string; readonly whenScaled: string };
    readonly selector: { readonly matchLabels: Labels };
    readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

export interface PodSpec {
  readonly serviceAccountName: string;
  readonly automountServiceAccountToken: boolean;
  readonly enableServiceLinks: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly topologySpreadConstraints?: readonly {
    readonly topologyKey: string;
    readonly whenUnsatisfiable: string;
    readonly labelSelector: { readonly matchLabels: Labels };
  }[];
  readonly containers: readonly ContainerSpec[];
  readonly volumes?: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: ValueSource }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle?: {
    readonly preStop: { readonly exec?: { readonly command: readonly string[] }; readonly sleep?: unknown };
  };
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface ValueSource {
  readonly fieldRef?: { readonly fieldPath: string };
  readonly secretKeyRef?: { readonly name: string; readonly key: string };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly scheme?: string };
}

export interface Service extends Manifest {
  readonly spec: {
    readonly clusterIP?: string;
    readonly publishNotReadyAddresses?: boolean;
    readonly selector: Labels;
    readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
  };
}

/** The objects of one release. */
export class Manifests {
  readonly all: readonly Manifest[];

  constructor(text: string) {
    this.all = documentsOf<Manifest>(text);
  }

  of<T extends Manifest>(...kinds: readonly string[]): T[] {
    return this.all.filter((each) => kinds.includes(each.kind)) as T[];
  }

  named<T extends Manifest>(kind: string, name: string): T {
    const found = this.of<T>(kind).find((each) => each.metadata.name === name);
    if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
    return found;
  }

  get workloads(): Workload[] {
    return this.of<Workload>("StatefulSet", "Deployment");
  }

  get services(): Service[] {
    return this.of<Service>("Service");
  }
}

export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** The variables of a container as its first pod has them: references resolved, $(NAME) replaced. */
export function environmentOf(
  container: ContainerSpec,
  pod: { readonly name: string; readonly ip: string },
): Record<string, string> {
  const fields: Readonly<Record<string, string>> = { "metadata.name": pod.name, "status.podIP": pod.ip };
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (name in env) throw new Error(`${name} is set twice`);
    const field = valueFrom?.fieldRef?.fieldPath;
    const text = value ?? (field === undefined ? `${valueFrom?.secretKeyRef?.key} of a Secret` : fields[field]);
    if (text === undefined) throw new Error(`${name} has no value`);
    env[name] = text.replaceAll(/\$\((\w+)\)/g, (whole, other: string) => env[other] ?? whole);
  }
  return env;
}
