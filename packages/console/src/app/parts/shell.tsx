import { useEffect, useRef, type ReactNode } from "react";
import { toTop, type Theme } from "../drivers/browser.ts";
import { healthWords } from "../model/status-words.ts";
import type { Route } from "../model/route.ts";
import { useSession, useStatus } from "../session.tsx";
import { Drawn, type Drawing } from "./icons.tsx";
import { Mark } from "./mark.tsx";

const places: readonly { readonly page: Route["page"] & Drawing; readonly name: string }[] = [
  { page: "overview", name: "Overview" },
  { page: "buckets", name: "Buckets" },
  { page: "drives", name: "Drives" },
  { page: "repair", name: "Repair" },
  { page: "plans", name: "Plans" },
];

const nextTheme = { auto: "light", light: "dark", dark: "auto" } as const;
const themeWords = { auto: "Look: as the system", light: "Look: light", dark: "Look: dark" } as const;

/** What is around every page: where one can go, how the cluster is, and who one is. */
export function Shell(props: {
  readonly route: Route;
  readonly theme: Theme;
  readonly setTheme: (theme: Theme) => void;
  readonly children: ReactNode;
}) {
  const { route, theme, setTheme, children } = props;
  const { accessKey, signOut } = useSession();
  const { status, failure } = useStatus();
  const here = route.page === "bucket" ? "buckets" : route.page;
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  // Who goes by keyboard goes on in the page that was asked for.
  useEffect(() => {
    if (isFirst.current) isFirst.current = false;
    else {
      main.current?.focus({ preventScroll: true });
      toTop();
    }
  }, [here]);
  return (
    <div className="shell">
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        To the page
      </a>
      <nav className="side" aria-label="Console">
        <Mark />
        <ul>
          {places.map(({ page, name }) => (
            <li key={page}>
              <a href={`#/${page}`} aria-current={page === here ? "page" : undefined}>
                <Drawn name={page} />
                <span>{name}</span>
              </a>
            </li>
          ))}
        </ul>
        <div className="who">
          {status !== null && failure === null && (
            <p className={`badge ${status.health}`} role="status">
              {healthWords[status.health]}
            </p>
          )}
          {failure !== null && (
            <p className="badge unavailable" role="status">
              No answer
            </p>
          )}
          <p className="faint key">
            <bdi>{accessKey}</bdi>
          </p>
          <p className="buttons">
            <button
              type="button"
              className="button quiet small"
              title={themeWords[theme]}
              aria-label={themeWords[theme]}
              onClick={() => setTheme(nextTheme[theme])}
            >
              <Drawn name="theme" />
            </button>
            <button type="button" className="button quiet small" onClick={signOut}>
              <Drawn name="leave" /> Sign out
            </button>
          </p>
        </div>
      </nav>
      <main ref={main} id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
