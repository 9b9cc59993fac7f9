import { createContext, useContext } from "react";
import type { SeenStatus } from "../reports.ts";
import type { Commands } from "./model/commands.ts";
import type { Store } from "./store/store.ts";
import type { UploadQueue } from "./upload/upload-queue.ts";

/** What every page of a signed-in session works with. */
export interface Session {
  readonly accessKey: string;
  readonly store: Store;
  readonly uploads: UploadQueue;
  readonly commands: Commands;
  /** The S3 endpoint, as links and commands name it. */
  readonly endpoint: string;
  readonly signOut: () => void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new TypeError("this page is for those who are signed in");
  return session;
}

/** The status as it was told last, for all pages at once. */
export interface StatusFeed {
  readonly status: SeenStatus | null;
  readonly failure: unknown;
  readonly refresh: () => void;
}

export const StatusContext = createContext<StatusFeed>({ status: null, failure: null, refresh: () => undefined });

export function useStatus(): StatusFeed {
  return useContext(StatusContext);
}
