import { useCallback, useEffect, useMemo, useState } from "react";
import type { SeenStatus } from "../reports.ts";
import { address, applyTheme, readTheme, type Theme } from "./drivers/browser.ts";
import { parseRoute, type Route } from "./model/route.ts";
import { resumeSession } from "./open-session.ts";
import { BucketPage } from "./pages/bucket.tsx";
import { BucketsPage } from "./pages/buckets.tsx";
import { DrivesPage } from "./pages/drives.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { PlansPage } from "./pages/plans.tsx";
import { RepairPage } from "./pages/repair.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { UploadDock } from "./pages/upload-dock.tsx";
import { Shell } from "./parts/shell.tsx";
import { SessionContext, StatusContext, type Session } from "./session.tsx";
import { useLoaded } from "./use-loaded.ts";

const statusEveryMs = 4_000;

/** Signed in or not, and where. */
export function App() {
  const [session, setSession] = useState<Session | null | "unknown">("unknown");
  const signOut = useCallback(() => setSession(null), []);
  useEffect(() => {
    resumeSession(signOut).then(setSession, () => setSession(null));
  }, [signOut]);
  if (session === "unknown") return null;
  if (session === null) return <SignInPage signedIn={setSession} signOut={signOut} />;
  return <SignedIn session={session} />;
}

function SignedIn({ session }: { readonly session: Session }) {
  const [theme, setTheme] = useState<Theme>(readTheme);
  const route = useRoute();
  const { store } = session;
  const { value, failure, reload } = useLoaded(
    (signal) => store.report<SeenStatus>({ method: "GET", path: "/status" }, signal),
    "status",
    statusEveryMs,
  );
  const feed = useMemo(() => ({ status: value, failure, refresh: reload }), [value, failure, reload]);
  const change = (next: Theme): void => {
    applyTheme(next);
    setTheme(next);
  };
  return (
    <SessionContext value={session}>
      <StatusContext value={feed}>
        <Shell route={route} theme={theme} setTheme={change}>
          <Page route={route} look={theme} />
        </Shell>
        <UploadDock />
      </StatusContext>
    </SessionContext>
  );
}

function Page({ route, look }: { readonly route: Route; readonly look: string }) {
  switch (route.page) {
    case "overview":
      return <OverviewPage look={look} />;
    case "buckets":
      return <BucketsPage />;
    case "bucket":
      return <BucketPage key={route.bucket} route={route} />;
    case "drives":
      return <DrivesPage />;
    case "repair":
      return <RepairPage />;
    case "plans":
      return <PlansPage />;
    default:
      return route satisfies never;
  }
}

function useRoute(): Route {
  const [hash, setHash] = useState(address.hash);
  useEffect(() => address.onChange(() => setHash(address.hash())), []);
  return useMemo(() => parseRoute(hash), [hash]);
}
