import { createMemoryView, type View } from "@kakera/metadata";
import type { EtcdStore } from "../etcd/etcd-store.ts";

/** What is committed at this moment, as nobody in the world can see it: the state of etcd itself, as a view. */
export function committedView(store: EtcdStore, prefix: string): View {
  const from = Buffer.from(`${prefix}m/`);
  const { kvs } = store.range({ key: from, range_end: Buffer.from(`${prefix}m0`) });
  const view = createMemoryView();
  const entries = kvs.map(({ key, value, mod_revision: revision }) => ({
    key: Buffer.from(key).subarray(from.byteLength),
    value: Buffer.from(value),
    revision: Number(revision),
  }));
  view.load(entries, { logId: "", revision: store.revision, term: 0, sequence: 0, checksum: "" });
  return view;
}
