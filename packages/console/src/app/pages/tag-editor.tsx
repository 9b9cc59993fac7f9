import { useState, type FormEvent } from "react";
import { Failed, Loading } from "../parts/states.tsx";
import { useSession } from "../session.tsx";
import { readTags, writeTags, type Tag } from "../store/tags.ts";
import { useLoaded } from "../use-loaded.ts";

/** Tags of what `path` names, an object or a bucket: shown, added, taken away. */
export function TagEditor({ path, tagsMax }: { readonly path: string; readonly tagsMax: number }) {
  const { store } = useSession();
  const { value: tags, failure, reload } = useLoaded((signal) => readTags(store, path, signal), path);
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const [refused, setRefused] = useState<unknown>(null);
  const write = (next: readonly Tag[]): void => {
    setRefused(null);
    writeTags(store, path, next).then(() => {
      setKey("");
      setValue("");
      reload();
    }, setRefused);
  };
  const add = (event: FormEvent): void => {
    event.preventDefault();
    write([...(tags ?? []).filter((tag) => tag.key !== key), { key, value }]);
  };
  return (
    <section aria-label="Tags">
      <h3>Tags</h3>
      <Failed failure={failure} retry={reload} />
      {tags === null && failure === null && <Loading what="the tags" />}
      {tags?.length === 0 && <p className="faint">None.</p>}
      {tags !== null && tags.length > 0 && (
        <ul className="tags">
          {tags.map((tag) => (
            <li key={tag.key}>
              <bdi>{tag.key}</bdi> = <bdi>{tag.value}</bdi>
              <button
                type="button"
                aria-label={`Take tag ${tag.key} away`}
                onClick={() => write(tags.filter((each) => each.key !== tag.key))}
              >
                ✕
              </button>
            </li>
          ))}
        </ul>
      )}
      {tags !== null && tags.length < tagsMax && (
        <form className="inline" onSubmit={add}>
          <input
            aria-label="Name of the tag"
            placeholder="name"
            value={key}
            required
            onChange={(event) => setKey(event.target.value)}
          />
          <input
            aria-label="Value of the tag"
            placeholder="value"
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
          <button type="submit" className="button small">
            Add
          </button>
        </form>
      )}
      <Failed failure={refused} />
    </section>
  );
}
