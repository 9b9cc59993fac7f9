import { localTime } from "../drivers/calendar.ts";
import { formatBytes, formatCount } from "../model/format.ts";
import { address } from "../drivers/browser.ts";
import { CommandLines } from "../parts/command-line.tsx";
import { Dialog, type Confirmation } from "../parts/dialog.tsx";
import { Failed, Loading } from "../parts/states.tsx";
import { useSession, useStatus } from "../session.tsx";
import { listBuckets, removeBucket } from "../store/buckets.ts";
import { useLoaded } from "../use-loaded.ts";
import { TagEditor } from "./tag-editor.tsx";

const bucketTagsMax = 50;

/** What a bucket holds and is set to, and its end. */
export function BucketSettings(props: {
  readonly bucket: string;
  readonly ask: (asked: Confirmation) => void;
  readonly onClose: () => void;
}) {
  const { bucket, ask, onClose } = props;
  const { store, commands } = useSession();
  const { refresh } = useStatus();
  const { value, failure } = useLoaded((signal) => listBuckets(store, signal), bucket);
  const found = value?.find(({ name }) => name === bucket);
  const remove = (): void => {
    onClose();
    ask({
      title: `Remove ${bucket}`,
      question: <p>The bucket goes, if it is empty. Its objects are never deleted by this.</p>,
      verb: "Remove the bucket",
      typed: bucket,
      command: commands.removeBucket(bucket),
      work: async () => {
        await removeBucket(store, bucket);
        address.go("#/buckets");
      },
      done: refresh,
    });
  };
  return (
    <Dialog title={bucket} onClose={onClose} look="panel">
      <Failed failure={failure} />
      {value === null && failure === null && <Loading what="its usage" />}
      {found !== undefined && (
        <dl className="facts">
          <dt>Objects</dt>
          <dd>{formatCount(found.objectCount)}</dd>
          <dt>Size</dt>
          <dd>{formatBytes(found.sizeBytes)}</dd>
          <dt>Open uploads</dt>
          <dd>
            {formatCount(found.uploadCount)}, {formatBytes(found.partBytes)} of parts
          </dd>
          <dt>Created</dt>
          <dd>{localTime(found.createdMs)}</dd>
          <dt>Versioning</dt>
          <dd>off: this server keeps the latest of each object</dd>
        </dl>
      )}
      <TagEditor path={`/${bucket}`} tagsMax={bucketTagsMax} />
      <CommandLines
        commands={[
          ["Its tags", commands.bucketTags(bucket)],
          ["Remove it", commands.removeBucket(bucket)],
        ]}
      />
      <footer>
        <button type="button" className="button danger" onClick={remove}>
          Remove the bucket ...
        </button>
      </footer>
    </Dialog>
  );
}
