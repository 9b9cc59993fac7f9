import { useEffect, useMemo } from "react";
import { formatBytes } from "../model/format.ts";
import { previewImageBytesMax, previewKindOf, previewTextBytesMax } from "../model/preview.ts";
import { Empty, Failed, Loading } from "../parts/states.tsx";
import { useSession } from "../session.tsx";
import { pathOf, type ObjectHead } from "../store/objects.ts";
import type { Store } from "../store/store.ts";
import { useLoaded } from "../use-loaded.ts";

/**
 * The beginning of an object as plain text, or a whole small image: from bytes, under a type that this page chose. Nothing of it is ever
 * loaded as a document.
 */
export function PreviewObject(props: {
  readonly bucket: string;
  readonly objectKey: string;
  readonly head: ObjectHead;
}) {
  const { bucket, objectKey, head } = props;
  const { store } = useSession();
  const path = pathOf(bucket, objectKey);
  const { value: bytes, failure } = useLoaded(() => readBeginning(store, path, head.sizeBytes), `${path} ${head.etag}`);
  if (failure !== null) return <Failed failure={failure} />;
  if (bytes === null) return <Loading what="the preview" />;
  const kind = previewKindOf(bytes);
  if (kind === null) return <Empty>These bytes are neither text nor an image that can be shown here.</Empty>;
  if (kind.kind === "image") {
    if (bytes.byteLength < head.sizeBytes)
      return <Empty>The image is larger than {formatBytes(previewImageBytesMax)}.</Empty>;
    return <Image bytes={bytes} type={kind.type} />;
  }
  const text = new TextDecoder().decode(bytes.subarray(0, previewTextBytesMax));
  return (
    <section className="inset" aria-label="Preview">
      <pre className="preview" tabIndex={0}>
        {text}
      </pre>
      {head.sizeBytes > previewTextBytesMax && <p className="faint">The first {formatBytes(previewTextBytesMax)}.</p>}
    </section>
  );
}

/** Text needs its beginning only; what an image is the first bytes tell. */
async function readBeginning(store: Store, path: string, sizeBytes: number): Promise<Uint8Array> {
  if (sizeBytes === 0) return new Uint8Array();
  const range = `bytes=0-${previewTextBytesMax - 1}`;
  const first = await store.bytes({ method: "GET", path, headers: { range } }, previewTextBytesMax);
  const isWhole = sizeBytes <= first.byteLength;
  if (isWhole || previewKindOf(first)?.kind !== "image" || sizeBytes > previewImageBytesMax) return first;
  return store.bytes({ method: "GET", path }, previewImageBytesMax);
}

function Image({ bytes, type }: { readonly bytes: Uint8Array; readonly type: string }) {
  const url = useMemo(() => URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type })), [bytes, type]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return <img className="preview" src={url} alt="Preview" />;
}
