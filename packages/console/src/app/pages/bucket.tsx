import { useEffect, useState, type DragEvent } from "react";
import { address } from "../drivers/browser.ts";
import { formatCounted } from "../model/format.ts";
import { crumbsOf, hashOf, type Route } from "../model/route.ts";
import { visibleName } from "../model/visible-name.ts";
import { CommandLines } from "../parts/command-line.tsx";
import { Confirm, type Confirmation } from "../parts/dialog.tsx";
import { Empty, Failed, Loading } from "../parts/states.tsx";
import { useSession, useStatus } from "../session.tsx";
import { deleteObjects, deletePrefix, listPage } from "../store/objects.ts";
import { useLoaded } from "../use-loaded.ts";
import { filesOfDrop } from "../upload/gather-files.ts";
import { uploadsMax, type PickedFile } from "../upload/upload-queue.ts";
import { BucketSettings } from "./bucket-settings.tsx";
import { ObjectPanel } from "./object-panel.tsx";
import { ObjectTable } from "./object-table.tsx";
import { UploadButtons } from "./upload-buttons.tsx";

type BucketRoute = Route & { readonly page: "bucket" };
const itemsMax = 200;

/** One folder of a bucket, a page of it at a time: a million keys need the memory of one page. */
export function BucketPage({ route }: { readonly route: BucketRoute }) {
  const { bucket, prefix } = route;
  const { store, commands, uploads } = useSession();
  const { refresh } = useStatus();
  const [tokens, setTokens] = useState<readonly string[]>([]);
  const [start, setStart] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<Confirmation | null>(null);
  const [isDropping, setDropping] = useState(false);
  const [isSetting, setSetting] = useState(false);
  const [refused, setRefused] = useState<unknown>(null);
  const token = tokens.at(-1) ?? null;
  const about = JSON.stringify([bucket, prefix, start, token]);
  const {
    value: page,
    failure,
    reload,
  } = useLoaded(
    (signal) => listPage(store, { bucket, prefix: prefix + start, delimiter: "/", token, itemsMax }, signal),
    about,
  );
  useEffect(() => {
    setTokens([]);
    setStart("");
  }, [bucket, prefix]);
  useEffect(() => setChosen(new Set()), [about]);
  // What was uploaded here is shown as soon as it is there.
  useEffect(() => {
    let doneCount = 0;
    return uploads.subscribe(() => {
      const now = uploads.items.filter((item) => item.state === "done" && item.bucket === bucket).length;
      if (now > doneCount && !uploads.isBusy) reload();
      if (now > doneCount && !uploads.isBusy) doneCount = now;
    });
  }, [uploads, bucket, reload]);

  const go = (to: Partial<BucketRoute>): void => address.go(hashOf({ ...route, object: null, ...to }));
  const changed = (): void => {
    reload();
    refresh();
  };
  const add = (files: readonly PickedFile[]): void => {
    setRefused(null);
    try {
      uploads.add(bucket, prefix, files);
    } catch (error) {
      setRefused(error);
    }
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setDropping(false);
    filesOfDrop(event.dataTransfer, uploadsMax).then(add, setRefused);
  };
  const removeChosen = (): void => {
    const keys = [...chosen].filter((key) => !key.endsWith("/") || page?.objects.some((object) => object.key === key));
    const prefixes = [...chosen].filter((key) => page?.prefixes.includes(key));
    const [first = ""] = [...prefixes, ...keys];
    setAsked({
      title: `Delete ${formatCounted(chosen.size, "entry").replace("entrys", "entries")}`,
      question: (
        <>
          <p>
            {prefixes.length > 0
              ? "Folders are deleted with everything below them. Nothing of it can be brought back."
              : "They are deleted for good."}
          </p>
          <ul className="names">
            {[...prefixes, ...keys].slice(0, 8).map((name) => (
              <li key={name}>
                <bdi>{visibleName(name)}</bdi>
              </li>
            ))}
            {chosen.size > 8 && <li>and {chosen.size - 8} more</li>}
          </ul>
        </>
      ),
      verb: "Delete",
      ...(prefixes.length > 0 ? { typed: bucket } : {}),
      // Of one; several take a line each.
      command:
        chosen.size > 1
          ? null
          : prefixes.length > 0
            ? commands.removePrefix(bucket, first)
            : commands.removeObject(bucket, first),
      work: async (signal, say) => {
        await deleteObjects(store, bucket, keys);
        for (const below of prefixes)
          await deletePrefix(
            store,
            { bucket, prefix: below },
            (count) => say(`${formatCounted(count, "object")} deleted`),
            signal,
          );
      },
      done: () => {
        setChosen(new Set());
        changed();
      },
    });
  };
  const isEmpty = page !== null && page.objects.length === 0 && page.prefixes.length === 0;
  return (
    <div
      className={isDropping ? "dropping" : ""}
      onDragOver={(event) => {
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={drop}
    >
      <header className="page-head">
        <nav aria-label="Folder">
          <ol className="crumbs">
            <li>
              <a href="#/buckets">Buckets</a>
            </li>
            <li>
              <a href={hashOf({ page: "bucket", bucket, prefix: "", object: null })}>{bucket}</a>
            </li>
            {crumbsOf(prefix).map((crumb) => (
              <li key={crumb.prefix}>
                <a href={hashOf({ page: "bucket", bucket, prefix: crumb.prefix, object: null })}>
                  <bdi>{visibleName(crumb.name)}</bdi>
                </a>
              </li>
            ))}
          </ol>
        </nav>
        <div className="actions">
          <button type="button" className="button" onClick={() => setSetting(true)}>
            Settings
          </button>
          <UploadButtons pick={add} />
        </div>
      </header>
      <Failed failure={refused} />
      <div className="tools">
        <label className="search">
          <span className="faint">Names that begin with</span>
          <input
            type="search"
            value={start}
            onChange={(event) => {
              setTokens([]);
              setStart(event.target.value);
            }}
            spellCheck={false}
          />
        </label>
        <button type="button" className="button danger" disabled={chosen.size === 0} onClick={removeChosen}>
          Delete {chosen.size > 0 ? `${chosen.size} chosen` : "chosen"}
        </button>
      </div>
      <Failed failure={failure} retry={reload} />
      {page === null && failure === null && <Loading what="the objects" />}
      {isEmpty && (
        <Empty>
          <h2>{start === "" ? "Nothing here yet" : "Nothing begins so"}</h2>
          {start === "" && <p>Drop files or folders onto this page, or upload them above.</p>}
        </Empty>
      )}
      {page !== null && !isEmpty && (
        <ObjectTable
          page={page}
          prefix={prefix}
          chosen={chosen}
          choose={setChosen}
          hrefOfPrefix={(below) => hashOf({ page: "bucket", bucket, prefix: below, object: null })}
          hrefOfObject={(key) => hashOf({ page: "bucket", bucket, prefix, object: key })}
        />
      )}
      {page !== null && (tokens.length > 0 || page.nextToken !== null) && (
        <nav className="pager" aria-label="Pages">
          <button
            type="button"
            className="button"
            disabled={tokens.length === 0}
            onClick={() => setTokens(tokens.slice(0, -1))}
          >
            Previous
          </button>
          <span className="faint">Page {tokens.length + 1}</span>
          <button
            type="button"
            className="button"
            disabled={page.nextToken === null}
            onClick={() => page.nextToken !== null && setTokens([...tokens, page.nextToken])}
          >
            Next
          </button>
        </nav>
      )}
      <CommandLines
        commands={[
          ["This page", commands.list(bucket, prefix)],
          ["Upload a file", commands.upload(bucket, prefix)],
          ["Upload a folder", commands.uploadFolder(bucket, prefix)],
        ]}
      />
      {route.object !== null && (
        <ObjectPanel
          key={route.object}
          bucket={bucket}
          objectKey={route.object}
          ask={setAsked}
          onClose={() => go({})}
          changed={changed}
        />
      )}
      {isSetting && <BucketSettings bucket={bucket} ask={setAsked} onClose={() => setSetting(false)} />}
      {asked !== null && <Confirm asked={asked} onClose={() => setAsked(null)} />}
    </div>
  );
}
