import { address, createSoon, nowMs, sleep, tabMemory } from "./drivers/browser.ts";
import { parseMoment, stampOf } from "./drivers/calendar.ts";
import { browserTransport } from "./drivers/transport.ts";
import { createCommands } from "./model/commands.ts";
import type { Session } from "./session.tsx";
import { deriveKeys, type SessionKeys } from "./signing/signing-keys.ts";
import { judged } from "./store/store-failure.ts";
import { Store } from "./store/store.ts";
import { UploadQueue } from "./upload/upload-queue.ts";

/** What the server tells anybody. */
interface PublicStatus {
  readonly serverVersion: string;
  readonly health: "ok" | "attention" | "unavailable";
  readonly geometryText: string;
  readonly drives: readonly { readonly position: number; readonly condition: string }[];
  /** Of the S3 endpoint. */
  readonly port: number;
  readonly isTls: boolean;
  readonly region: string;
}

interface Server {
  readonly status: PublicStatus;
  /** Its clock against the browser's: a signature needs its time. */
  readonly aheadMs: number;
}

export async function askServer(signal?: AbortSignal): Promise<Server> {
  const answer = judged(await browserTransport.send({ method: "GET", target: "/status.json", headers: {} }, signal));
  const serverMs = parseMoment(answer.header("date") ?? "");
  const aheadMs = Number.isNaN(serverMs) ? 0 : serverMs - nowMs();
  // The header has whole seconds: what is less is no difference of clocks.
  return { status: JSON.parse(answer.text) as PublicStatus, aheadMs: Math.abs(aheadMs) < 5_000 ? 0 : aheadMs };
}

export interface Given {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Kept in the tab's memory until it is closed; otherwise a reload signs out. */
  readonly keeping: "in this tab" | "nowhere";
}

/** Makes the keys, forgets the secret, and asks the server whether they are right. Rejects with StoreFailure when they are not. */
export async function signIn(given: Given, signOut: () => void): Promise<Session> {
  const server = await askServer();
  const keys = deriveKeys(given, server.status.region, nowMs() + server.aheadMs);
  const session = sessionOf(keys, server, signOut);
  await session.store.report({ method: "GET", path: "/status" });
  if (given.keeping === "in this tab") tabMemory.write(JSON.stringify(keys));
  return session;
}

/** The session that the tab remembers; null: none, or one whose days are over. */
export async function resumeSession(signOut: () => void): Promise<Session | null> {
  const text = tabMemory.read();
  if (text === null) return null;
  const keys = JSON.parse(text) as SessionKeys;
  const server = await askServer();
  const today = stampOf(nowMs() + server.aheadMs).slice(0, 8);
  if (keys.byDay[today] !== undefined) return sessionOf(keys, server, signOut);
  tabMemory.forget();
  return null;
}

function sessionOf(keys: SessionKeys, { status, aheadMs }: Server, signOut: () => void): Session {
  const endpoint = `${status.isTls ? "https" : "http"}://${address.hostName()}:${status.port}`;
  const store = new Store({
    transport: browserTransport,
    keys,
    host: address.host(),
    nowMs: () => nowMs() + aheadMs,
  });
  const uploads = new UploadQueue(store, { sleep, soon: createSoon() });
  return {
    accessKey: keys.accessKey,
    store,
    uploads,
    endpoint,
    commands: createCommands(endpoint),
    signOut: () => {
      uploads.cancelAll();
      tabMemory.forget();
      signOut();
    },
  };
}
