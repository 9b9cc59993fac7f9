import { StoreFailure } from "./store-failure.ts";
import type { Store } from "./store.ts";
import { childrenOf, escapeXml, parseXml, textOf } from "./xml.ts";

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** Tags of a bucket or an object; `path` names it. */
export async function readTags(store: Store, path: string, signal?: AbortSignal): Promise<readonly Tag[]> {
  try {
    const { text } = await store.send({ method: "GET", path, query: { tagging: "" } }, signal);
    const sets = childrenOf(parseXml(text), "TagSet").flatMap((set) => childrenOf(set, "Tag"));
    return sets.map((tag) => ({ key: textOf(tag, "Key"), value: textOf(tag, "Value") }));
  } catch (failure) {
    // What a bucket without tags answers.
    if (failure instanceof StoreFailure && failure.code === "NoSuchTagSet") return [];
    throw failure;
  }
}

/** Replaces all of them. */
export async function writeTags(store: Store, path: string, tags: readonly Tag[]): Promise<void> {
  if (tags.length === 0) {
    await store.send({ method: "DELETE", path, query: { tagging: "" } });
    return;
  }
  const set = tags.map(({ key, value }) => `<Tag><Key>${escapeXml(key)}</Key><Value>${escapeXml(value)}</Value></Tag>`);
  const body = `<Tagging><TagSet>${set.join("")}</TagSet></Tagging>`;
  await store.send({ method: "PUT", path, query: { tagging: "" }, body });
}
