import { useEffect, useState, type FormEvent } from "react";
import type { SeenOffer, SeenPlan } from "../../reports.ts";
import { localTime } from "../drivers/calendar.ts";
import { formatBytes, formatCount, formatCounted, formatDuration } from "../model/format.ts";
import { marked, timeLeftMs, type Mark } from "../model/progress.ts";
import { CommandLine } from "../parts/command-line.tsx";
import { Confirm, type Confirmation } from "../parts/dialog.tsx";
import { Bar, Empty, Failed, Loading } from "../parts/states.tsx";
import { useSession, useStatus } from "../session.tsx";

const actions = ["add", "remove", "replace", "geometry"] as const;
type Action = (typeof actions)[number];

const hints: Readonly<Record<Action, string>> = {
  add: "Drives or nodes that hold nothing yet; none named: all of them.",
  remove: "Nodes or drives that are emptied and may then go.",
  replace: "The old drive and the new one.",
  geometry: "As 4+2: everything is written anew.",
};

/** What it takes to grow, shrink or change, and how far what was begun is. */
export function PlansPage() {
  const { status, failure, refresh } = useStatus();
  const [asked, setAsked] = useState<Confirmation | null>(null);
  if (status === null)
    return failure === null ? <Loading what="the plans" /> : <Failed failure={failure} retry={refresh} />;
  return (
    <>
      <header className="page-head">
        <h1>Plans</h1>
        <p className="faint">Growing, shrinking and other geometry, while reads and writes go on.</p>
      </header>
      {status.plan === null ? (
        <Empty>Nothing was ever planned.</Empty>
      ) : (
        <CurrentPlan plan={status.plan} nowMs={status.nowMs} ask={setAsked} />
      )}
      {status.rewriteBytes > 0 && (
        <p className="card">{formatBytes(status.rewriteBytes)} of objects still have the former geometry.</p>
      )}
      {status.cluster === null ? (
        <p className="state">A machine alone keeps the drives and the geometry that it was formed with.</p>
      ) : (
        <MakePlan ask={setAsked} />
      )}
      {asked !== null && <Confirm asked={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function CurrentPlan(props: {
  readonly plan: SeenPlan;
  readonly nowMs: number;
  readonly ask: (asked: Confirmation) => void;
}) {
  const { plan, nowMs, ask } = props;
  const { store, commands } = useSession();
  const { refresh } = useStatus();
  const [marks, setMarks] = useState<readonly Mark[]>([]);
  const [refused, setRefused] = useState<unknown>(null);
  const leftCount = plan.groupsWaiting + plan.groupsMoving;
  useEffect(() => setMarks((was) => marked(was, { atMs: nowMs, leftCount })), [nowMs, leftCount]);
  const isOver = plan.state === "done" || plan.state === "aborted";
  const leftMs = timeLeftMs(marks);
  const send = (order: "pause" | "resume" | "abort") =>
    store.report({ method: "POST", path: `/plans/${order}`, body: JSON.stringify({ plan: plan.plan }) });
  const order = (wanted: "pause" | "resume"): void => {
    setRefused(null);
    send(wanted).then(refresh, setRefused);
  };
  const abort = (): void =>
    ask({
      title: "End the plan",
      question: <p>Groups that are under way are moved to their end; the others stay where they are.</p>,
      verb: "End the plan",
      command: commands.orderPlan("abort"),
      work: async () => void (await send("abort")),
      done: refresh,
    });
  return (
    <section className="card">
      <h2>
        <code>{plan.plan}</code> <span className={`badge ${isOver ? "good" : "warn"}`}>{plan.state}</span>
      </h2>
      {plan.groupCount > 0 && (
        <>
          <Bar share={(plan.groupCount - leftCount) / plan.groupCount} label="Groups that have moved" />
          <p className="faint">
            {formatCount(plan.groupCount - leftCount)} of {formatCounted(plan.groupCount, "group")} done,{" "}
            {formatCount(plan.groupsMoving)} under way, about {formatBytes(plan.movingBytes)} in all
            {leftMs !== null && `; about ${formatDuration(leftMs)} left at the pace that was seen`}
          </p>
        </>
      )}
      {plan.leavingCount > 0 && (
        <p className="faint">{formatCounted(plan.leavingCount, "drive")} leave when they hold nothing.</p>
      )}
      <p className="faint">
        Begun {localTime(plan.startedMs)}
        {plan.endedMs !== null && `, ended ${localTime(plan.endedMs)}`}
      </p>
      {!isOver && (
        <p className="buttons">
          {plan.state === "paused" ? (
            <button type="button" className="button primary" onClick={() => order("resume")}>
              Go on
            </button>
          ) : (
            <button type="button" className="button" onClick={() => order("pause")}>
              Pause
            </button>
          )}
          <button type="button" className="button danger" onClick={abort}>
            End it
          </button>
        </p>
      )}
      {!isOver && <CommandLine command={commands.orderPlan(plan.state === "paused" ? "resume" : "pause")} />}
      <Failed failure={refused} />
    </section>
  );
}

function MakePlan({ ask }: { readonly ask: (asked: Confirmation) => void }) {
  const { store, commands } = useSession();
  const { refresh } = useStatus();
  const [action, setAction] = useState<Action>("add");
  const [names, setNames] = useState("");
  const [offer, setOffer] = useState<SeenOffer | null>(null);
  const [refused, setRefused] = useState<unknown>(null);
  const listed = names.split(/[\s,]+/).filter((name) => name !== "");
  const make = (event: FormEvent): void => {
    event.preventDefault();
    setRefused(null);
    setOffer(null);
    const body = JSON.stringify({ action, names: listed });
    store.report<SeenOffer>({ method: "POST", path: "/plans", body }).then(setOffer, setRefused);
  };
  const apply = ({ plan }: SeenOffer): void =>
    ask({
      title: "Carry out the plan",
      question: (
        <p>
          <code>{plan}</code> moves data. It can be paused and ended on the way.
        </p>
      ),
      verb: "Carry it out",
      command: commands.apply(plan),
      work: async () =>
        void (await store.report({ method: "POST", path: "/plans/apply", body: JSON.stringify({ plan }) })),
      done: () => {
        setOffer(null);
        refresh();
      },
    });
  return (
    <section className="card">
      <h2>Make a plan</h2>
      <form className="inline" onSubmit={make}>
        <p className="field">
          <label htmlFor="plan-action">What</label>
          <select id="plan-action" value={action} onChange={(event) => setAction(event.target.value as Action)}>
            {actions.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </p>
        <p className="field grow">
          <label htmlFor="plan-names">{hints[action]}</label>
          <input id="plan-names" value={names} onChange={(event) => setNames(event.target.value)} autoComplete="off" />
        </p>
        <button type="submit" className="button">
          Show what it takes
        </button>
      </form>
      <CommandLine command={commands.plan(action, listed)} />
      <Failed failure={refused} />
      {offer !== null && (
        <dl className="facts">
          <dt>Plan</dt>
          <dd>
            <code>{offer.plan}</code>
          </dd>
          {offer.geometry === null ? (
            <>
              <dt>Drives</dt>
              <dd>
                {formatCount(offer.coming.length)} come, {formatCount(offer.leaving.length)} leave
              </dd>
              <dt>Groups</dt>
              <dd>
                {formatCount(offer.groupCount)} of {formatCount(offer.groupsOfAll)} get other homes
              </dd>
            </>
          ) : (
            <>
              <dt>Geometry</dt>
              <dd>
                {offer.geometry.from} now, {offer.geometry.to} then
              </dd>
            </>
          )}
          <dt>Bytes</dt>
          <dd>
            about {formatBytes(offer.movingBytes)} copied, {formatBytes(offer.rebuiltBytes)} made anew
          </dd>
          <dt>Time</dt>
          <dd>at least {formatDuration(offer.estimateMs)}</dd>
          <dt>Now</dt>
          <dd>{offer.toleranceBefore}</dd>
          <dt>Then</dt>
          <dd>{offer.toleranceAfter}</dd>
          <dd>
            <button type="button" className="button primary" onClick={() => apply(offer)}>
              Carry it out ...
            </button>
          </dd>
        </dl>
      )}
    </section>
  );
}
