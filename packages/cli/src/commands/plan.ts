import { judgeAnswer } from "../client/judge-answer.ts";
import type { LiveFlags } from "../client/live-settings.ts";
import { CommandFailure, usageFailure } from "../command-failure.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { MovePlan } from "../moves/make-plan.ts";
import type { PlanWish } from "../moves/plan-name.ts";
import type { Terminal } from "../terminal.ts";
import { formatBytes, formatCount, formatCounted, formatDuration, formatTable } from "./format-values.ts";
import { withSignedClient } from "./live.ts";

/** `kakera plan add|remove|replace|geometry`: shows what it would take. */
export function runPlan(wish: PlanWish, flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    const text = judgeAnswer(await live.client.send("POST", "/kakera/admin/v1/plans", JSON.stringify(wish)));
    if (live.settings.isJson) terminal.print(text);
    else for (const line of renderPlan(JSON.parse(text) as MovePlan)) terminal.print(line);
    return exitCodes.done;
  });
}

export type ApplyFlags = LiveFlags & { readonly pause?: boolean; readonly resume?: boolean; readonly abort?: boolean };

/** `kakera apply PLAN [--pause|--resume|--abort]` */
export function runApply(name: string | undefined, flags: ApplyFlags, terminal: Terminal): Promise<ExitCode> {
  const orders = (["pause", "resume", "abort"] as const).filter((order) => flags[order] === true);
  if (orders.length > 1) throw usageFailure("--pause, --resume and --abort exclude each other", "kakera apply --help");
  const [order] = orders;
  if (order === undefined && name === undefined) throw usageFailure("which plan was not said", "kakera plan --help");
  return withSignedClient(flags, terminal, async (live) => {
    if (order === undefined && !live.settings.isAgreed && !(await terminal.askYes(`Carry out ${name}?`)))
      throw new CommandFailure("NOT_AGREED", "nothing was done", {
        exitCode: exitCodes.refused,
        remedy: "the same with --yes",
      });
    const path = `/kakera/admin/v1/plans/${order ?? "apply"}`;
    const text = judgeAnswer(await live.client.send("POST", path, JSON.stringify({ plan: name ?? "" })));
    if (live.settings.isJson) terminal.print(text);
    else if (!live.settings.isQuiet) terminal.print(sentences[order ?? "apply"](JSON.parse(text) as { plan: string }));
    return exitCodes.done;
  });
}

const sentences = {
  apply: ({ plan }: { readonly plan: string }): string => `${plan} is being carried out (kakera status)`,
  pause: ({ plan }: { readonly plan: string }): string => `${plan} is paused; kakera apply --resume goes on`,
  resume: ({ plan }: { readonly plan: string }): string => `${plan} goes on`,
  abort: ({ plan }: { readonly plan: string }): string => `${plan} ends with the groups that are under way`,
};

function renderPlan(plan: MovePlan): string[] {
  const { groupCount, groupsOfAll, movingBytes, rebuiltBytes, estimateMs } = plan;
  const changed = plan.shares.filter(({ before, after }) => before !== after);
  const head = ["DRIVE", "DOMAIN", "SHARDS OF GROUPS NOW", "THEN"];
  const rows = changed.map(({ driveId, domain, before, after }) => [
    driveId,
    domain,
    formatCount(before),
    formatCount(after),
  ]);
  if (plan.geometry !== null) return renderGeometry(plan, plan.geometry);
  return [
    `drives    ${formatCount(plan.coming.length)} come, ${formatCount(plan.leaving.length)} leave`,
    `moves     shards of ${formatCount(groupCount)} of ${formatCounted(groupsOfAll, "group")}`,
    `bytes     about ${formatBytes(movingBytes)} copied, ${formatBytes(rebuiltBytes)} made anew`,
    `time      at least ${formatDuration(estimateMs)}; reads and writes go on`,
    `now       ${plan.toleranceBefore}`,
    `then      ${plan.toleranceAfter}`,
    "",
    ...(rows.length === 0 ? [] : [...formatTable([head, ...rows], [2, 3]), ""]),
    `Nothing was done yet. To do it: kakera apply ${plan.plan}`,
  ];
}

function renderGeometry(plan: MovePlan, { from, to }: NonNullable<MovePlan["geometry"]>): string[] {
  return [
    `geometry  ${from} now, ${to} then: at once for what is written, and all that is there is written anew`,
    `bytes     about ${formatBytes(plan.rebuiltBytes)} of shards; each object takes room twice until its former shards are deleted`,
    `time      at least ${formatDuration(plan.estimateMs)}; reads and writes go on`,
    `now       ${plan.toleranceBefore}`,
    `then      ${plan.toleranceAfter}`,
    "",
    `Nothing was done yet. To do it: kakera apply ${plan.plan}`,
  ];
}
