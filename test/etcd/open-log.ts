import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createSystemRandom,
  newId,
  silentMeter,
  systemClock,
  type ClusterId,
  type Logger,
  type Meter,
} from "@kakera/kernel";
import {
  createMemoryView,
  openEtcdLog,
  openLmdbView,
  type Change,
  type ClusterLog,
  type EtcdSettings,
  type View,
  type WritableView,
} from "@kakera/metadata";
import type { ClientTls } from "../harness/etcd/client-tls.ts";

const random = createSystemRandom();

/** Everything that a log over etcd said. */
export interface Said {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export interface LogOfTest extends AsyncDisposable {
  readonly log: ClusterLog;
  readonly view: WritableView;
  readonly said: readonly Said[];
}

export interface LogWanted {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly clusterId?: ClusterId;
  readonly settings?: Partial<EtcdSettings>;
  readonly view?: WritableView;
  readonly auth?: { readonly username: string; readonly password: string };
  readonly tls?: ClientTls | null;
  readonly meter?: Meter;
}

/** A log as a gateway opens it, over a view in memory unless one is given. */
export async function openLog(wanted: LogWanted): Promise<LogOfTest> {
  const view = wanted.view ?? createMemoryView();
  const said: Said[] = [];
  const logger: Logger = { log: (level, event, fields) => said.push({ level, event, fields }) };
  const { tls } = wanted;
  const access = {
    endpoints: wanted.endpoints,
    ...(wanted.auth === undefined ? {} : { auth: wanted.auth }),
    ...(tls == null ? {} : { tls: credentialsOf(tls) }),
  };
  const whose = wanted.clusterId === undefined ? {} : { clusterId: wanted.clusterId };
  const log = await openEtcdLog(
    { access, view, clock: systemClock, random, logger, meter: wanted.meter ?? silentMeter, ...whose },
    { prefix: wanted.prefix, ...wanted.settings },
  );
  return { log, view, said, [Symbol.asyncDispose]: () => log.close() };
}

function credentialsOf({ caFile, clientCertificate }: ClientTls): {
  rootCertificate: Buffer;
  privateKey?: Buffer;
  certChain?: Buffer;
} {
  const rootCertificate = readFileSync(caFile);
  if (clientCertificate === null) return { rootCertificate };
  const { certFile, keyFile } = clientCertificate;
  return { rootCertificate, privateKey: readFileSync(keyFile), certChain: readFileSync(certFile) };
}

/** A view in a file, and the folder that it is removed with. */
export function fileView(): { open(): WritableView; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), "kakera-view-"));
  return {
    open: () => openLmdbView({ directory: join(directory, "view"), mapSizeBytes: 2 ** 30 }),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** No table of the store's: its values need not be records. */
export const key = (name: string): Buffer => Buffer.from(`P${name}`);

export function change(
  steps: { readonly [key: string]: string | null },
  seen: { readonly [key: string]: number } = {},
): Change {
  const entries = Object.entries(steps);
  return {
    id: newId("change", random),
    purpose: "write",
    compares: Object.entries(seen).map(([name, revision]) => ({ key: key(name), revision })),
    puts: entries.flatMap(([name, value]) => (value === null ? [] : [{ key: key(name), value: Buffer.from(value) }])),
    deletes: entries.flatMap(([name, value]) => (value === null ? [key(name)] : [])),
  };
}

export function valueOf(view: View, name: string): string | null {
  return view.get(key(name))?.value.toString() ?? null;
}

/** All rows, for comparing views with each other. */
export function rowsOf(view: View): { key: string; value: string; revision: number }[] {
  return view
    .range(Buffer.from([0]), Buffer.from([0xff]), 1_000_000)
    .map((entry) => ({ key: entry.key.toString(), value: entry.value.toString(), revision: entry.revision }));
}
