import { useState, type FormEvent } from "react";
import { localTime } from "../drivers/calendar.ts";
import { formatBytes, formatCount } from "../model/format.ts";
import { hashOf } from "../model/route.ts";
import { CommandLine, CommandLines } from "../parts/command-line.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Drawn } from "../parts/icons.tsx";
import { Empty, Failed, Loading } from "../parts/states.tsx";
import { useSession, useStatus } from "../session.tsx";
import { createBucket, listBuckets } from "../store/buckets.ts";
import { useLoaded } from "../use-loaded.ts";

const pollMs = 10_000;

/** All buckets, with what is in each exactly. */
export function BucketsPage() {
  const { store, commands } = useSession();
  const { value: buckets, failure, reload } = useLoaded((signal) => listBuckets(store, signal), "buckets", pollMs);
  const [isCreating, setCreating] = useState(false);
  const [wanted, setWanted] = useState("");
  const shown = buckets?.filter(({ name }) => name.includes(wanted.trim())) ?? [];
  return (
    <>
      <header className="page-head">
        <h1>Buckets</h1>
        <div className="actions">
          {(buckets?.length ?? 0) > 8 && (
            <input
              type="search"
              aria-label="Show buckets whose name has"
              placeholder="Name"
              value={wanted}
              onChange={(event) => setWanted(event.target.value)}
            />
          )}
          <button type="button" className="button primary" onClick={() => setCreating(true)}>
            Create a bucket
          </button>
        </div>
      </header>
      <Failed failure={failure} retry={reload} />
      {buckets === null && failure === null && <Loading what="the buckets" />}
      {buckets?.length === 0 && (
        <Empty>
          <h2>No buckets yet</h2>
          <p>A bucket holds objects. Milvus, backups and tools each like one of their own.</p>
        </Empty>
      )}
      {shown.length > 0 && (
        <div className="sheet">
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col" className="number">
                  Objects
                </th>
                <th scope="col" className="number">
                  Size
                </th>
                <th scope="col" className="number extra">
                  Open uploads
                </th>
                <th scope="col" className="extra">
                  Created
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((bucket) => (
                <tr key={bucket.name}>
                  <th scope="row">
                    <a href={hashOf({ page: "bucket", bucket: bucket.name, prefix: "", object: null })}>
                      <Drawn name="buckets" /> {bucket.name}
                    </a>
                  </th>
                  <td className="number">{formatCount(bucket.objectCount)}</td>
                  <td className="number">{formatBytes(bucket.sizeBytes)}</td>
                  <td className="number extra">{formatCount(bucket.uploadCount)}</td>
                  <td className="extra">{localTime(bucket.createdMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <CommandLines commands={[["This page", commands.buckets()]]} />
      {isCreating && <CreateBucket onClose={() => setCreating(false)} created={reload} />}
    </>
  );
}

function CreateBucket({ onClose, created }: { readonly onClose: () => void; readonly created: () => void }) {
  const { store, commands } = useSession();
  const { refresh } = useStatus();
  const [name, setName] = useState("");
  const [failure, setFailure] = useState<unknown>(null);
  const create = (event: FormEvent): void => {
    event.preventDefault();
    setFailure(null);
    createBucket(store, name).then(() => {
      created();
      refresh();
      onClose();
    }, setFailure);
  };
  return (
    <Dialog title="Create a bucket" onClose={onClose}>
      <form onSubmit={create}>
        <p className="field">
          <label htmlFor="bucket-name">Name</label>
          <input
            id="bucket-name"
            value={name}
            onChange={(event) => setName(event.target.value)}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            aria-describedby="bucket-rule"
            required
            data-first
          />
          <span id="bucket-rule" className="faint">
            3 to 63 of a-z, 0-9, dot and hyphen; it begins and ends with a letter or digit.
          </span>
        </p>
        <CommandLine command={commands.createBucket(name === "" ? "NAME" : name)} />
        <Failed failure={failure} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary">
            Create
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
