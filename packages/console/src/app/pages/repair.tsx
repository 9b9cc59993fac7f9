import { useEffect, useState } from "react";
import { localTime } from "../drivers/calendar.ts";
import { formatCount, formatCounted, formatDuration } from "../model/format.ts";
import { marked, timeLeftMs, type Mark } from "../model/progress.ts";
import { proofOf, repairWords } from "../model/status-words.ts";
import { CommandLines } from "../parts/command-line.tsx";
import { Bar, Failed, Loading } from "../parts/states.tsx";
import { useSession, useStatus } from "../session.tsx";

type Order = "now" | "pause" | "resume";

const said: Readonly<Record<Order, string>> = {
  now: "Everything is counted now, and what is short is mended at once.",
  pause: "Nothing is mended until repair goes on.",
  resume: "What waits is mended.",
};

/** What the last count proved, what is short, and how long it will take. */
export function RepairPage() {
  const { status, failure, refresh } = useStatus();
  const { store, commands } = useSession();
  const [marks, setMarks] = useState<readonly Mark[]>([]);
  const [ordered, setOrdered] = useState<string | null>(null);
  const [refused, setRefused] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    if (status === null) return;
    setMarks((was) => marked(was, { atMs: status.nowMs, leftCount: status.repair.waitingCount }));
  }, [status]);
  if (status === null)
    return failure === null ? <Loading what="the census" /> : <Failed failure={failure} retry={refresh} />;
  const { census, repair, geometry } = status;
  const proof = proofOf(status);
  const leftMs = timeLeftMs(marks);
  const order = (wanted: Order): void => {
    setBusy(true);
    setRefused(null);
    store
      .report({ method: "POST", path: "/repair", body: JSON.stringify({ order: wanted }) })
      .then(() => setOrdered(said[wanted]), setRefused)
      .finally(() => {
        setBusy(false);
        refresh();
      });
  };
  return (
    <>
      <header className="page-head">
        <h1>Census and repair</h1>
      </header>
      <section className={`proof card ${proof.tone}`}>
        <h2>{proof.headline}</h2>
        <p className="faint">
          {proof.detail}
          {census.startedMs !== null && census.provenMs !== null && `, begun ${localTime(census.startedMs)}`}
        </p>
        {census.chunkCount > 0 && (
          <table>
            <thead>
              <tr>
                <th scope="col">Shards there</th>
                <th scope="col" className="number">
                  Chunks
                </th>
                <th scope="col">Share</th>
              </tr>
            </thead>
            <tbody>
              {census.chunksByMissing.map((count, missing) => (
                <tr key={missing} className={missing === 0 ? "" : "warn"}>
                  <td>
                    {geometry.k + geometry.m - missing} of {geometry.k + geometry.m}
                  </td>
                  <td className="number">{formatCount(count)}</td>
                  <td className="wide">
                    <Bar
                      share={count / census.chunkCount}
                      label={`Chunks that lack ${missing}`}
                      tone={missing === 0 ? "good" : "warn"}
                    />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section className="card">
        <h2>Repair</h2>
        <p>{repairWords(status)}</p>
        {repair.waitingCount > 0 && !repair.isPaused && (
          <p className="faint">
            {leftMs === null
              ? "How long it takes can be told when some of it is done."
              : `About ${formatDuration(leftMs)} at the pace of the last ${formatDuration((marks.at(-1)?.atMs ?? 0) - (marks[0]?.atMs ?? 0))}.`}
          </p>
        )}
        <p className="buttons">
          <button type="button" className="button primary" disabled={isBusy} onClick={() => order("now")}>
            Count and repair now
          </button>
          {repair.isPaused ? (
            <button type="button" className="button" disabled={isBusy} onClick={() => order("resume")}>
              Go on with repair
            </button>
          ) : (
            <button type="button" className="button" disabled={isBusy} onClick={() => order("pause")}>
              Pause repair
            </button>
          )}
        </p>
        <p role="status">{ordered}</p>
        <Failed failure={refused} />
      </section>
      <p className="faint">
        {formatCounted(status.drives.length, "drive")} and {formatCounted(census.chunkCount, "chunk")}: a count looks at
        what every drive holds of what every record names, and only that proves an object whole.
      </p>
      <CommandLines
        commands={[
          ["This page", commands.repair("status")],
          ["Count and repair now", commands.repair("now")],
          ["Pause, and go on", commands.repair("pause")],
          ["", commands.repair("resume")],
        ].map(([what = "", command = ""]) => [what, command] as const)}
      />
    </>
  );
}
