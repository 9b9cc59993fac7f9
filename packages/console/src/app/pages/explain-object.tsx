import { localTime } from "../drivers/calendar.ts";
import { formatBytes, formatCounted } from "../model/format.ts";
import { CommandLine } from "../parts/command-line.tsx";
import { Failed, Loading } from "../parts/states.tsx";
import { useSession } from "../session.tsx";
import { useLoaded } from "../use-loaded.ts";
import type { SeenExplanation } from "../../reports.ts";

const chunksShown = 8;

/** Every shard of the object: on which drive, and whether it is sound. */
export function ExplainObject({ bucket, objectKey }: { readonly bucket: string; readonly objectKey: string }) {
  const { store, commands } = useSession();
  const query = { bucket, key: objectKey, reads: "headers", chunks: String(chunksShown) };
  const { value: report, failure } = useLoaded(
    (signal) => store.report<SeenExplanation>({ method: "GET", path: "/explain", query }, signal),
    `${bucket}/${objectKey}`,
  );
  if (failure !== null) return <Failed failure={failure} />;
  if (report === null) return <Loading what="its shards" />;
  const placeOf = (driveId: string): string => {
    const drive = report.drives.find((each) => each.driveId === driveId);
    return drive === undefined ? driveId.slice(0, 8) : `${drive.node === null ? "" : `${drive.node} `}${drive.place}`;
  };
  return (
    <section className="inset" aria-label="Where it lies">
      {report.chunkCount === 0 && (
        <p>
          {report.inlineBytes === 0
            ? "It is empty: a record alone."
            : "It lies in its record, wherever the log is kept."}
        </p>
      )}
      {report.chunks.map((chunk) => (
        <div key={`${chunk.dataId}/${chunk.chunkIndex}`}>
          <h3>
            Chunk {chunk.chunkIndex}: {formatBytes(chunk.chunkSizeBytes)}, {chunk.geometry.k}+{chunk.geometry.m}
          </h3>
          <p className={chunk.spareDomains < 0 || chunk.agrees === "no" ? "bad" : "faint"}>
            {chunk.spareDomains < 0
              ? `${-chunk.spareDomains} shards short of what reading takes`
              : `bears the loss of ${chunk.spareDomains} more`}
            {chunk.agrees === "no" && "; its shards disagree: they are not of one write"}
          </p>
          <ul className="shards">
            {chunk.shards.flatMap(({ shardIndex, places }) =>
              places.map(({ driveId, role, state }) => (
                <li
                  key={`${shardIndex} ${driveId}`}
                  className={state === "holds" || state === "verified" ? "good" : "bad"}
                >
                  <strong>
                    {shardIndex < chunk.geometry.k ? `data ${shardIndex}` : `parity ${shardIndex - chunk.geometry.k}`}
                  </strong>{" "}
                  {state}
                  <span className="faint">
                    <bdi>{placeOf(driveId)}</bdi>
                    {role !== "home" && `, as ${role}`}
                  </span>
                </li>
              )),
            )}
          </ul>
        </div>
      ))}
      {report.chunkCount > report.chunks.length && (
        <p className="faint">and {formatCounted(report.chunkCount - report.chunks.length, "more chunk")}</p>
      )}
      <p className="faint">
        Headers were read now.{" "}
        {report.provenMs === null
          ? "No count of all chunks has ended yet."
          : `All chunks were counted last ${localTime(report.provenMs)}.`}{" "}
        Every byte is read by:
      </p>
      <CommandLine command={`${commands.explain(bucket, objectKey)} --read`} />
    </section>
  );
}
