import { useState } from "react";
import { address, save } from "../drivers/browser.ts";
import { localTime } from "../drivers/calendar.ts";
import { formatBytes } from "../model/format.ts";
import { visibleName } from "../model/visible-name.ts";
import { CommandLines } from "../parts/command-line.tsx";
import { Dialog, type Confirmation } from "../parts/dialog.tsx";
import { Failed, Loading } from "../parts/states.tsx";
import { useSession } from "../session.tsx";
import { deleteObjects, pathOf, readHead, type ObjectHead } from "../store/objects.ts";
import { useLoaded } from "../use-loaded.ts";
import { ExplainObject } from "./explain-object.tsx";
import { PreviewObject } from "./preview-object.tsx";
import { ShareLink } from "./share-link.tsx";
import { TagEditor } from "./tag-editor.tsx";

const objectTagsMax = 10;
/** Long enough to begin; a download that has begun goes on. */
const downloadSeconds = 300;

/** Everything about one object. */
export function ObjectPanel(props: {
  readonly bucket: string;
  readonly objectKey: string;
  readonly ask: (asked: Confirmation) => void;
  readonly onClose: () => void;
  readonly changed: () => void;
}) {
  const { bucket, objectKey: key, ask, onClose, changed } = props;
  const { store, commands } = useSession();
  const {
    value: head,
    failure,
    reload,
  } = useLoaded((signal) => readHead(store, bucket, key, signal), `${bucket}/${key}`);
  const [tab, setTab] = useState<"none" | "preview" | "share" | "explain">("none");
  const [refused, setRefused] = useState<unknown>(null);
  const name = key.slice(key.replace(/\/$/, "").lastIndexOf("/") + 1);
  const download = (): void => {
    setRefused(null);
    try {
      // From this very origin, which sends it as an attachment.
      const endpoint = address.origin();
      save(
        store.link({ endpoint, path: pathOf(bucket, key), query: {}, expiresSeconds: downloadSeconds }),
        visibleName(name),
      );
    } catch (error) {
      setRefused(error);
    }
  };
  const remove = (): void => {
    onClose();
    ask({
      title: "Delete an object",
      question: (
        <p>
          <bdi>{visibleName(key)}</bdi> is deleted for good.
        </p>
      ),
      verb: "Delete",
      command: commands.removeObject(bucket, key),
      work: () => deleteObjects(store, bucket, [key]),
      done: changed,
    });
  };
  return (
    <Dialog title={<bdi>{visibleName(name)}</bdi>} onClose={onClose} look="panel">
      <p className="place">
        <bdi>{visibleName(key)}</bdi>
      </p>
      <Failed failure={failure} retry={reload} />
      {head === null && failure === null && <Loading what="the object" />}
      {head !== null && (
        <>
          <p className="buttons">
            <button type="button" className="button primary" onClick={download}>
              Download
            </button>
            <button type="button" className="button" aria-pressed={tab === "share"} onClick={() => setTab("share")}>
              Share a link
            </button>
            <button type="button" className="button" aria-pressed={tab === "preview"} onClick={() => setTab("preview")}>
              Preview
            </button>
            <button type="button" className="button" aria-pressed={tab === "explain"} onClick={() => setTab("explain")}>
              Where it lies
            </button>
          </p>
          <Failed failure={refused} />
          {tab === "share" && <ShareLink bucket={bucket} objectKey={key} />}
          {tab === "preview" && <PreviewObject bucket={bucket} objectKey={key} head={head} />}
          {tab === "explain" && <ExplainObject bucket={bucket} objectKey={key} />}
          <Facts head={head} />
          <TagEditor path={pathOf(bucket, key)} tagsMax={objectTagsMax} />
        </>
      )}
      <CommandLines
        commands={[
          ["Download it", commands.download(bucket, key)],
          ["Its metadata", commands.head(bucket, key)],
          ["Where it lies", commands.explain(bucket, key)],
        ]}
      />
      <footer>
        <button type="button" className="button danger" onClick={remove}>
          Delete ...
        </button>
      </footer>
    </Dialog>
  );
}

function Facts({ head }: { readonly head: ObjectHead }) {
  return (
    <dl className="facts">
      <dt>Size</dt>
      <dd>{formatBytes(head.sizeBytes)}</dd>
      <dt>Changed</dt>
      <dd>{localTime(head.modifiedMs)}</dd>
      <dt>Type</dt>
      <dd>{head.contentType}</dd>
      <dt>ETag</dt>
      <dd>
        <code>{head.etag}</code>
      </dd>
      {head.metadata.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <bdi>{visibleName(value)}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
}
