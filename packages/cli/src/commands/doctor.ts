import { resolveCredentials, resolveLiveSettings, type LiveFlags } from "../client/live-settings.ts";
import { createServerClient } from "../client/server-client.ts";
import { CommandFailure } from "../command-failure.ts";
import { etcdPlaceOfFlags, type EtcdFlags } from "../config/etcd-flags.ts";
import { parseAddress } from "../config/parse-values.ts";
import { resolveDriveFolders } from "../config/resolve-drive-folders.ts";
import {
  bad,
  judgeDevices,
  judgeFolder,
  judgeOpenFiles,
  judgePort,
  judgeSpace,
  ok,
  type Finding,
} from "../doctor/findings.ts";
import { judgeEtcd, judgeReach, judgeVersions } from "../doctor/judge-etcd.ts";
import { judgeClock, judgeFileSystem, judgeMemory } from "../doctor/judge-machine.ts";
import type { MachineProbe } from "../doctor/machine-probe.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { fetchStatus } from "./status.ts";

export type DoctorFlags = LiveFlags &
  EtcdFlags & { readonly address?: string; readonly consoleAddress?: string; readonly etcd?: string };

/**
 * `kakera doctor [DIR...] [--etcd URL]`: before a start, folders, devices, space, rights, ports, limits and etcd with the nodes that it knows; beside a
 * running server its clock and its own conditions too. 0 = all well, 1 = something needs attention.
 */
export async function runDoctor(
  folders: readonly string[],
  flags: DoctorFlags,
  context: { readonly terminal: Terminal; readonly probe: MachineProbe },
): Promise<ExitCode> {
  const { terminal, probe } = context;
  const live = await examineServer(flags, terminal);
  const findings = [
    ...(await examineMachine(folders, { flags, isServerUp: live !== null, ...context })),
    ...(await examineLog(flags, context)),
    ...(live ?? []),
  ];
  findings.push(judgeOpenFiles(probe.openFilesMax), judgeMemory(terminal.machine.memoryLimitBytes));
  for (const finding of findings)
    terminal.print(flags.json === true ? JSON.stringify(finding) : formatFinding(finding));
  return findings.every((finding) => finding.state === "ok") ? exitCodes.done : exitCodes.attention;
}

async function examineMachine(
  given: readonly string[],
  context: {
    readonly flags: DoctorFlags;
    readonly isServerUp: boolean;
    readonly terminal: Terminal;
    readonly probe: MachineProbe;
  },
): Promise<Finding[]> {
  const { flags, terminal, probe } = context;
  const folders = await Promise.all(resolveDriveFolders(given, terminal).map((path) => probe.folder(path)));
  const findings = folders.flatMap((folder) => {
    const kind = judgeFileSystem(folder);
    return [judgeFolder(folder, probe.user), judgeSpace(folder), ...(kind === null ? [] : [kind])];
  });
  const devices = judgeDevices(folders);
  if (devices !== null) findings.push(devices);
  if (context.isServerUp) return findings; // its ports are taken by itself
  const { environment } = terminal;
  const addresses = [
    flags.address ?? (environment["KAKERA_ADDRESS"] || ":9000"),
    flags.consoleAddress ?? (environment["KAKERA_CONSOLE_ADDRESS"] || ":9001"),
  ];
  for (const text of addresses.filter((address) => address !== "off")) {
    const address = parseAddress(text);
    findings.push(judgePort(address, await probe.port(address)));
  }
  return findings;
}

/** etcd as it is seen from here, and the nodes that it knows; nothing where none is named. */
async function examineLog(
  flags: DoctorFlags,
  { terminal, probe }: { readonly terminal: Terminal; readonly probe: MachineProbe },
): Promise<Finding[]> {
  const urls = flags.etcd ?? (terminal.environment["KAKERA_ETCD_ENDPOINTS"] || null);
  const place = urls === null ? null : etcdPlaceOfFlags({ flag: "--etcd", urls }, flags, terminal);
  if (place === null) return [];
  const found = await probe.etcd(place);
  const reached = found.nodes.map(async (node) => judgeReach(node, await probe.reach(node.address)));
  return [...judgeEtcd(found), judgeVersions(found.nodes), ...(await Promise.all(reached))];
}

/** null: no server answers at the endpoint. */
async function examineServer(flags: DoctorFlags, terminal: Terminal): Promise<Finding[] | null> {
  const settings = resolveLiveSettings(flags, terminal);
  const plain = createServerClient(settings, { nowMs: () => terminal.clock.nowMs(), credentials: null });
  try {
    const answer = await plain.getPlain("/health");
    const subject = settings.endpoint.origin;
    if (!answer.text.includes('"version"')) return [bad("warning", "PORT_BUSY", foreignServer(subject))];
    const findings = [ok(subject, "a server of Kakera answers")];
    return [...findings, ...(await examineConditions(flags, terminal))];
  } catch (error) {
    if (error instanceof CommandFailure && error.exitCode === exitCodes.unreachable) return null;
    throw error;
  } finally {
    await plain.close();
  }
}

async function examineConditions(flags: DoctorFlags, terminal: Terminal): Promise<Finding[]> {
  const settings = resolveLiveSettings(flags, terminal);
  const credentials = await resolveCredentials(flags, terminal).catch((error: unknown) => {
    if (error instanceof CommandFailure) return null;
    throw error;
  });
  if (credentials === null) return [ok("conditions", "not asked for: no key is given (kakera credentials show)")];
  const client = createServerClient(settings, { nowMs: () => terminal.clock.nowMs(), credentials });
  try {
    const askedMs = terminal.clock.nowMs();
    const { conditions, nowMs } = await fetchStatus({ client, settings, terminal });
    const clock = judgeClock(nowMs, { askedMs, answeredMs: terminal.clock.nowMs() });
    if (conditions.length === 0) return [clock, ok("conditions", "nothing needs attention")];
    const judged = conditions.map((condition) =>
      bad(condition.weight === "critical" ? "failure" : "warning", condition.reason, {
        subject: condition.subject ?? "server",
        sentence: condition.sentence,
        remedy: condition.remedy,
      }),
    );
    return [clock, ...judged];
  } finally {
    await client.close();
  }
}

function foreignServer(subject: string): { subject: string; sentence: string; remedy: string } {
  return { subject, sentence: "something else than Kakera answers there", remedy: "--endpoint, or another --address" };
}

function formatFinding(finding: Finding): string {
  const mark = { ok: "ok     ", warning: "WARNING", failure: "FAILURE" }[finding.state];
  const reason = finding.reason === null ? "" : `${finding.reason}: `;
  const remedy = finding.remedy === null ? "" : `\n         do: ${finding.remedy}`;
  return `${mark}  ${finding.subject}: ${reason}${finding.sentence}${remedy}`;
}
