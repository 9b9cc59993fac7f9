import { useEffect, useMemo, useSyncExternalStore } from "react";
import { guardLeaving } from "../drivers/browser.ts";
import { wordsOf } from "../model/failure-words.ts";
import { formatBytes, formatCounted } from "../model/format.ts";
import { visibleName } from "../model/visible-name.ts";
import { Bar } from "../parts/states.tsx";
import { useSession } from "../session.tsx";
import type { UploadItem } from "../upload/upload-queue.ts";

const shownMax = 50;
const order = { failed: 0, sending: 1, waiting: 2, cancelled: 3, done: 4 } as const;

/** What is on its way, on every page. */
export function UploadDock() {
  const { uploads } = useSession();
  const items = useSyncExternalStore(
    (listener) => uploads.subscribe(listener),
    () => uploads.items,
  );
  useEffect(() => guardLeaving(() => uploads.isBusy), [uploads]);
  const sum = useMemo(() => summarise(items), [items]);
  if (items.length === 0) return null;
  const isOver = sum.openCount === 0;
  return (
    <aside className="dock" aria-label="Uploads">
      <header>
        <h2 aria-live="polite">
          {isOver
            ? `${formatCounted(sum.doneCount, "file")} uploaded`
            : `Uploading: ${sum.doneCount} of ${formatCounted(items.length, "file")}`}
          {sum.failedCount > 0 && <span className="bad">, {sum.failedCount} failed</span>}
        </h2>
        {isOver ? (
          <button type="button" className="button quiet small" onClick={() => uploads.clear()}>
            Close
          </button>
        ) : (
          <button type="button" className="button quiet small" onClick={() => uploads.cancelAll()}>
            Cancel all
          </button>
        )}
      </header>
      {!isOver && <Bar share={sum.sizeBytes === 0 ? 0 : sum.sentBytes / sum.sizeBytes} label="All uploads" />}
      <ul>
        {sum.shown.map((item) => (
          <Row key={item.id} item={item} cancel={() => uploads.cancel(item.id)} />
        ))}
      </ul>
      {items.length > sum.shown.length && (
        <p className="faint">and {formatCounted(items.length - sum.shown.length, "other file")}</p>
      )}
    </aside>
  );
}

function Row({ item, cancel }: { readonly item: UploadItem; readonly cancel: () => void }) {
  const { state, key, bucket, sizeBytes, sentBytes } = item;
  const isOpen = state === "waiting" || state === "sending";
  return (
    <li className={state}>
      <span className="name">
        <bdi>{visibleName(`${bucket}/${key}`)}</bdi>
      </span>
      <span className="faint">
        {state === "sending"
          ? `${formatBytes(sentBytes)} of ${formatBytes(sizeBytes)}`
          : `${state}, ${formatBytes(sizeBytes)}`}
      </span>
      {isOpen && (
        <button type="button" aria-label={`Cancel ${visibleName(key)}`} onClick={cancel}>
          ✕
        </button>
      )}
      {state === "sending" && <Bar share={sizeBytes === 0 ? 1 : sentBytes / sizeBytes} label={visibleName(key)} />}
      {state === "failed" && <FailureLine failure={item.failure} />}
    </li>
  );
}

function FailureLine({ failure }: { readonly failure: unknown }) {
  const { sentence, code } = wordsOf(failure);
  return (
    <span className="bad" role="alert">
      {sentence} {code !== null && <code>{code}</code>}
    </span>
  );
}

function summarise(items: readonly UploadItem[]) {
  let [doneCount, failedCount, openCount, sizeBytes, sentBytes] = [0, 0, 0, 0, 0];
  for (const { state, sizeBytes: ofFile, sentBytes: ofSent } of items) {
    if (state === "done") doneCount++;
    else if (state === "failed") failedCount++;
    else if (state !== "cancelled") openCount++;
    if (state === "cancelled" || state === "failed") continue;
    sizeBytes += ofFile;
    sentBytes += ofSent;
  }
  const urgent = items.filter(({ state }) => state === "failed" || state === "sending").slice(0, shownMax);
  const others = items
    .filter(({ state }) => state !== "failed" && state !== "sending")
    .slice(0, shownMax - urgent.length);
  const shown = [...urgent, ...others].sort((a, b) => order[a.state] - order[b.state] || a.id - b.id);
  return { doneCount, failedCount, openCount, sizeBytes, sentBytes, shown };
}
