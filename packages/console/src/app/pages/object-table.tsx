import { localTime } from "../drivers/calendar.ts";
import { formatBytes } from "../model/format.ts";
import { visibleName } from "../model/visible-name.ts";
import { Drawn } from "../parts/icons.tsx";
import type { ObjectPage } from "../store/objects.ts";

/** Folders, and then objects. Names are text, whatever is in them. */
export function ObjectTable(props: {
  readonly page: ObjectPage;
  readonly prefix: string;
  readonly chosen: ReadonlySet<string>;
  readonly choose: (chosen: ReadonlySet<string>) => void;
  readonly hrefOfPrefix: (prefix: string) => string;
  readonly hrefOfObject: (key: string) => string;
}) {
  const { page, prefix, chosen, choose, hrefOfPrefix, hrefOfObject } = props;
  const all = [...page.prefixes, ...page.objects.map(({ key }) => key)];
  const toggle = (name: string): void => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    choose(next);
  };
  const box = (name: string) => (
    <td className="box">
      <input
        type="checkbox"
        aria-label={`Choose ${visibleName(name)}`}
        checked={chosen.has(name)}
        onChange={() => toggle(name)}
      />
    </td>
  );
  return (
    <div className="sheet">
      <table className="objects">
        <thead>
          <tr>
            <th scope="col" className="box">
              <input
                type="checkbox"
                aria-label="Choose all of this page"
                checked={all.length > 0 && all.every((name) => chosen.has(name))}
                onChange={(event) => choose(new Set(event.target.checked ? all : []))}
              />
            </th>
            <th scope="col">Name</th>
            <th scope="col" className="number">
              Size
            </th>
            <th scope="col" className="extra">
              Changed
            </th>
          </tr>
        </thead>
        <tbody>
          {page.prefixes.map((each) => (
            <tr key={`folder ${each}`}>
              {box(each)}
              <th scope="row">
                <a href={hrefOfPrefix(each)}>
                  <Drawn name="folder" /> <bdi>{visibleName(each.slice(prefix.length, -1))}</bdi>/
                </a>
              </th>
              <td />
              <td className="extra" />
            </tr>
          ))}
          {page.objects.map(({ key, sizeBytes, modifiedMs }) => (
            <tr key={`object ${key}`}>
              {box(key)}
              <th scope="row">
                <a href={hrefOfObject(key)}>
                  <Drawn name="object" /> <bdi>{visibleName(key.slice(prefix.length))}</bdi>
                </a>
              </th>
              <td className="number">{formatBytes(sizeBytes)}</td>
              <td className="extra">{localTime(modifiedMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
