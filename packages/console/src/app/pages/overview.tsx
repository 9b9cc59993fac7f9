import { useEffect, useMemo, useState } from "react";
import type { SeenActivity } from "../../reports.ts";
import { sleep } from "../drivers/browser.ts";
import { appended, columnsOf } from "../model/activity.ts";
import { formatBytes, formatCount, formatCounted, formatDuration, formatSeconds } from "../model/format.ts";
import { capacityOf, healthWords, proofOf, repairWords, toleranceWords } from "../model/status-words.ts";
import { Chart } from "../parts/chart.tsx";
import { CommandLines } from "../parts/command-line.tsx";
import { Conditions } from "../parts/conditions.tsx";
import { Bar, Empty, Failed, Loading } from "../parts/states.tsx";
import { useSession, useStatus } from "../session.tsx";

const pollMs = 5_000;

/** How it is at a glance: health, what to do, room, proof, and the last hour's work. */
export function OverviewPage({ look }: { readonly look: string }) {
  const { status, failure, refresh } = useStatus();
  const { commands } = useSession();
  if (status === null)
    return failure === null ? <Loading what="the status" /> : <Failed failure={failure} retry={refresh} />;
  const capacity = capacityOf(status.drives);
  const proof = proofOf(status);
  const online = status.drives.filter(({ condition }) => condition === "online").length;
  return (
    <>
      <header className="page-head">
        <h1>Overview</h1>
        <p className={`badge ${status.health}`}>{healthWords[status.health]}</p>
        <p className="faint">
          Kakera {status.serverVersion}, up {formatDuration(status.nowMs - status.startedMs)}
        </p>
      </header>
      <Failed failure={failure} />
      <Conditions conditions={status.conditions} />
      <div className="tiles">
        <section className="tile">
          <h2>Stored</h2>
          <p className="figure">{formatBytes(status.usage.sizeBytes)}</p>
          <p className="faint">
            {formatCounted(status.usage.objectCount, "object")} in {formatCounted(status.usage.bucketCount, "bucket")}
          </p>
        </section>
        <section className="tile">
          <h2>Room on the drives</h2>
          <p className="figure">{formatBytes(capacity.freeBytes)} free</p>
          <Bar
            share={capacity.totalBytes === 0 ? 0 : capacity.usedBytes / capacity.totalBytes}
            label="Used room of all drives"
          />
          <p className="faint">of {formatBytes(capacity.totalBytes)}, raw</p>
        </section>
        <section className="tile">
          <h2>
            Drives, {status.geometry.k}+{status.geometry.m}
          </h2>
          <p className="figure">
            {online} <small>of {status.drives.length} online</small>
          </p>
          <p className="faint">{toleranceWords(status)}</p>
        </section>
        <section className={`tile ${proof.tone}`}>
          <h2>Proof</h2>
          <p className="figure small">{proof.headline}</p>
          <p className="faint">{proof.detail}</p>
          <p className="faint">{repairWords(status)}</p>
        </section>
      </div>
      <Activity look={look} />
      <CommandLines
        commands={[
          ["This page", commands.status()],
          ["Usage of every bucket", commands.buckets()],
        ]}
      />
    </>
  );
}

/** Charts of what the server itself remembers. */
function Activity({ look }: { readonly look: string }) {
  const { store } = useSession();
  const [samples, setSamples] = useState<SeenActivity["samples"]>([]);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    const ended = new AbortController();
    const { signal } = ended;
    const poll = async (): Promise<void> => {
      let known: SeenActivity["samples"] = [];
      while (!signal.aborted) {
        try {
          const since = String(known.at(-1)?.atMs ?? 0);
          const report = await store.report<SeenActivity>(
            { method: "GET", path: "/activity", query: { since } },
            signal,
          );
          known = appended(known, report);
          setSamples(known);
          setFailure(null);
        } catch (error) {
          if (!signal.aborted) setFailure(error);
        }
        await sleep(pollMs, signal).catch(() => undefined);
      }
    };
    void poll();
    return () => ended.abort();
  }, [store]);
  const columns = useMemo(() => columnsOf(samples), [samples]);
  const lines = useMemo(
    () => ({
      requests: [{ name: "requests", color: "--line-a", values: columns.requestsPerSecond }],
      bytes: [
        { name: "out", color: "--line-a", values: columns.sentPerSecond },
        { name: "in", color: "--line-b", values: columns.receivedPerSecond },
      ],
      errors: [
        { name: "failed", color: "--bad", values: columns.failuresPerSecond },
        { name: "refused", color: "--line-b", values: columns.refusalsPerSecond },
      ],
      latency: [
        { name: "99 of 100", color: "--line-a", values: columns.p99Seconds },
        { name: "half", color: "--line-b", values: columns.p50Seconds },
      ],
    }),
    [columns],
  );
  const rate = (value: number): string => `${value >= 100 ? formatCount(value) : Number(value.toPrecision(2))}/s`;
  const bytesRate = (value: number): string => `${formatBytes(value)}/s`;
  const shared = { atSeconds: columns.atSeconds, look };
  return (
    <section aria-labelledby="activity-title">
      <h2 id="activity-title">The last hour of this server</h2>
      <Failed failure={failure} />
      {samples.length === 0 ? (
        <Empty>The first measurement is a few seconds away.</Empty>
      ) : (
        <div className="charts">
          <Chart title="Requests" lines={lines.requests} format={rate} unit="others" {...shared} />
          <Chart title="Bytes" lines={lines.bytes} format={bytesRate} unit="bytes" {...shared} />
          <Chart title="Errors" lines={lines.errors} format={rate} unit="others" {...shared} />
          <Chart title="Answered within" lines={lines.latency} format={formatSeconds} unit="others" {...shared} />
        </div>
      )}
    </section>
  );
}
