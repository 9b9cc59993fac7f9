/** What an operator wants of the cluster's drives. */
export interface PlanWish {
  readonly action: PlanAction;
  /** Nodes, by host name, or drives, by id. For `add` none means all that are there; `replace`: the old one, then the new one; `geometry`: K+M. */
  readonly names: readonly string[];
}

type PlanAction = (typeof planActions)[number];
export const planActions = ["add", "remove", "replace", "geometry"] as const;

/**
 * The name of a plan: what is wanted, and a digest of the map that it was made from and of all that it does. So it needs no file and no
 * memory: who carries it out plans again, and has the same plan or another name.
 */
export function nameOfPlan({ action, names }: PlanWish, digest: string): string {
  return `${action}${names.length === 0 ? "" : `:${names.join(",")}`}@${digest}`;
}

/** null: it is none. */
export function readPlanName(name: string): PlanWish | null {
  const match = /^([a-z]+)(?::(.+))?@[0-9a-f]+$/.exec(name);
  const action = planActions.find((known) => known === match?.[1]);
  return action === undefined ? null : { action, names: match?.[2]?.split(",") ?? [] };
}
