import type { SeenDrive } from "../../reports.ts";
import { formatBytes, formatCounted } from "../model/format.ts";
import { byNode, toleranceWords, toneOfDrive } from "../model/status-words.ts";
import { CommandLine, CommandLines } from "../parts/command-line.tsx";
import { Bar, Failed, Loading } from "../parts/states.tsx";
import { useSession, useStatus } from "../session.tsx";

/** Every node with its drives: how each is, how full, and what lies on it. */
export function DrivesPage() {
  const { status, failure, refresh } = useStatus();
  const { commands } = useSession();
  if (status === null)
    return failure === null ? <Loading what="the drives" /> : <Failed failure={failure} retry={refresh} />;
  const nodes = byNode(status.drives);
  return (
    <>
      <header className="page-head">
        <h1>Drives</h1>
        <p className="faint">
          {status.geometry.k}+{status.geometry.m}. {toleranceWords(status)}
        </p>
      </header>
      {nodes.map(({ node, drives }) => (
        <section key={node} className="node">
          <h2>
            <bdi>{node}</bdi> <span className="faint">{formatCounted(drives.length, "drive")}</span>
          </h2>
          <ol className="drives">
            {drives.map((drive) => (
              <DriveCard key={`${drive.driveId} ${drive.place}`} drive={drive} />
            ))}
          </ol>
        </section>
      ))}
      <CommandLines
        commands={[
          ["This page", commands.drives()],
          ["An empty folder in the place of a drive that is gone", commands.replaceDrive()],
        ]}
      />
    </>
  );
}

function DriveCard({ drive }: { readonly drive: SeenDrive }) {
  const { commands } = useSession();
  const tone = toneOfDrive(drive);
  const usedBytes = drive.totalBytes - drive.freeBytes;
  return (
    <li className={`drive card ${tone}`}>
      <h3>
        Drive {drive.position} <span className={`badge ${tone}`}>{drive.condition}</span>
      </h3>
      <p className="place">
        <bdi>{drive.place}</bdi>
      </p>
      {drive.totalBytes > 0 && (
        <>
          <Bar
            share={usedBytes / drive.totalBytes}
            label={`Used room of drive ${drive.position}`}
            tone={usedBytes / drive.totalBytes > 0.9 ? "warn" : "calm"}
          />
          <p className="faint">
            {formatBytes(drive.freeBytes)} free of {formatBytes(drive.totalBytes)}
          </p>
          <p className="faint">
            {formatCounted(drive.shardCount, "shard")}
            {drive.garbageBytes > 0 && `, ${formatBytes(drive.garbageBytes)} to be freed`}
          </p>
        </>
      )}
      {drive.reason !== null && (
        <p>
          <code>{drive.reason}</code> {drive.why}
        </p>
      )}
      {drive.standing !== "MEMBER" && <p className="faint">The cluster holds it for {drive.standing.toLowerCase()}.</p>}
      {tone === "bad" && drive.driveId !== "" && (
        <details>
          <summary>It will never come back</summary>
          <p className="faint">Then say so, and what it held is made anew on other drives:</p>
          <CommandLine command={commands.forgetDrive(drive.driveId)} />
        </details>
      )}
    </li>
  );
}
