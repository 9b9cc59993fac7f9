import { resolve } from "node:path";
import { SECOND_MS, sleep, type Random } from "@kakera/kernel";
import type { StatusReport } from "../admin/status-report.ts";
import { createServerClient, type ServerClient } from "../client/server-client.ts";
import { CommandFailure, usageFailure } from "../command-failure.ts";
import { DemoCluster, type DemoNode } from "../demo/demo-cluster.ts";
import type { DemoMachine } from "../demo/demo-machine.ts";
import { keepSecrets, type DemoSecrets } from "../demo/demo-secrets.ts";
import { findEtcd } from "../demo/find-etcd.ts";
import { Pulse } from "../demo/pulse.ts";
import { factsToTell, renderFacts, renderSight, type DemoFacts, type DemoSight } from "../demo/render-demo.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

export interface DemoFlags {
  readonly nodes?: string;
  readonly directory?: string;
}

export interface DemoComponents {
  readonly terminal: Terminal;
  readonly machine: DemoMachine;
  readonly random: Random;
}

const nodeCountDefault = 4;
const nodeCountMax = 12;
const drivesPerNode = 2;
const lookIntervalMs = SECOND_MS;
const answerWithinMs = 2 * SECOND_MS;

/** `kakera demo`: a cluster on this machine, and what becomes of it, until Ctrl-C. Ends everything that it started. */
export async function runDemo(flags: DemoFlags, components: DemoComponents): Promise<ExitCode> {
  const { terminal, machine, random } = components;
  const nodeCount = parseNodeCount(flags.nodes);
  const etcd = findEtcd(terminal.environment, machine);
  const isTemporary = flags.directory === undefined;
  const directory = isTemporary
    ? machine.makeTemporaryFolder()
    : resolve(terminal.machine.workingDirectory, flags.directory);
  const interrupted = terminal.takeInterrupts();
  let cluster: DemoCluster | null = null;
  try {
    machine.makeFolder(directory);
    const secrets = keepSecrets(directory, { machine, random });
    const settings = { nodeCount, drivesPerNode, directory, etcd, secrets, path: terminal.environment["PATH"] ?? "" };
    cluster = await DemoCluster.start({ machine, clock: terminal.clock }, settings);
    await watch(cluster, { facts: { directory, isTemporary, etcd, secrets }, components, interrupted });
    return exitCodes.done;
  } finally {
    terminal.hint("kakera demo: ending all that was started");
    await cluster?.stop();
    if (isTemporary) machine.removeFolder(directory);
  }
}

function parseNodeCount(text: string | undefined): number {
  if (text === undefined) return nodeCountDefault;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 2 && count <= nodeCountMax) return count;
  throw usageFailure(`--nodes ${text}: a demo has 2 to ${nodeCountMax} nodes`);
}

interface Watched {
  readonly facts: DemoFacts;
  readonly components: DemoComponents;
  readonly interrupted: AbortSignal;
}

/** Until it is interrupted. On a terminal one screen, again and again; elsewhere a line for whatever has changed. */
async function watch(cluster: DemoCluster, { facts, components, interrupted }: Watched): Promise<void> {
  const { terminal, machine } = components;
  const isScreen = terminal.machine.isTerminal;
  const pulse = new Pulse();
  const clients = new Map(
    cluster.nodes.map(({ name, endpoint }) => [name, clientOf(endpoint, facts.secrets, terminal)]),
  );
  const told = new Map<string, string>();
  machine.onKey((key) => key === "r" && cluster.startAgain(), interrupted);
  const header = renderFacts(facts, cluster.nodes);
  if (!isScreen) for (const line of header) terminal.print(line);
  try {
    while (!interrupted.aborted) {
      cluster.tend();
      const sight = await look(cluster, { clients, pulse, nowMs: terminal.clock.monotonicMs() });
      if (isScreen) {
        terminal.clear();
        terminal.print([...header, "", ...renderSight(sight, { isColored: true })].join("\n"));
      } else
        for (const [about, line] of factsToTell(sight)) {
          if (told.get(about) !== line) terminal.print(line);
          told.set(about, line);
        }
      await sleep(terminal.clock, lookIntervalMs, interrupted).catch(() => {});
    }
  } finally {
    await Promise.all([...clients.values()].map((client) => client.close()));
  }
}

interface Looking {
  readonly clients: ReadonlyMap<string, ServerClient>;
  readonly pulse: Pulse;
  readonly nowMs: number;
}

async function look(cluster: DemoCluster, { clients, pulse, nowMs }: Looking): Promise<DemoSight> {
  const nodes = await Promise.all(
    cluster.nodes.map(async (node) => ({ ...node, isReady: await isReady(node, clients.get(node.name)) })),
  );
  const ready = nodes.flatMap(({ name, isReady: can }) => (can ? [clients.get(name) as ServerClient] : []));
  if (ready.length > 0) await pulse.beat(ready);
  const reports = await Promise.all(ready.map((client) => reportOf(client)));
  return { nowMs, nodes, pulse: pulse.count, report: mostTelling(reports.filter((report) => report !== null)) };
}

/** Only the node that leads has counted the chunks. */
function mostTelling(reports: readonly StatusReport[]): StatusReport | null {
  return reports.find(({ cluster }) => cluster?.isLeader === true) ?? reports[0] ?? null;
}

async function isReady({ state }: DemoNode, client: ServerClient | undefined): Promise<boolean> {
  if (state.kind === "ended" || client === undefined) return false;
  return (await answerOf(client.getPlain("/health/ready")))?.status === 200;
}

async function reportOf(client: ServerClient): Promise<StatusReport | null> {
  const answer = await answerOf(client.send("GET", "/kakera/admin/v1/status"));
  return answer?.status === 200 ? (JSON.parse(answer.text) as StatusReport) : null;
}

/** null: none came. */
async function answerOf<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (failure) {
    if (failure instanceof CommandFailure) return null;
    throw failure;
  }
}

function clientOf(endpoint: string, { accessKey, secretKey }: DemoSecrets, terminal: Terminal): ServerClient {
  const settings = {
    endpoint: new URL(endpoint),
    timeoutMs: answerWithinMs,
    authority: null,
    isCertificateChecked: true,
    isJson: false,
    isQuiet: true,
    isColored: false,
    isAgreed: true,
  };
  return createServerClient(settings, { nowMs: () => terminal.clock.nowMs(), credentials: { accessKey, secretKey } });
}
