import { Command, CommanderError } from "commander";
import type { Random } from "@kakera/kernel";
import { CommandFailure, formatFailure, usageFailure } from "./command-failure.ts";
import { commands, type Keep } from "./commands/commands.ts";
import type { DemoFlags } from "./commands/demo.ts";
import type { DoctorFlags } from "./commands/doctor.ts";
import type { ExplainFlags } from "./commands/explain.ts";
import type { ApplyFlags } from "./commands/plan.ts";
import type { RecoverFlags } from "./commands/recover-metadata.ts";
import { addLiveOptions } from "./commands/live-options.ts";
import { addOperatorCommands } from "./commands/operators.ts";
import type { RepairWord } from "./commands/repair.ts";
import type { StateFiles } from "./commands/verify.ts";
import type { LiveFlags } from "./client/live-settings.ts";
import { addServerOptions, describeUsageError } from "./config/parse-server-arguments.ts";
import type { Role } from "./config/resolve-settings.ts";
import { translateCall } from "./config/translate-foreign-flags.ts";
import type { DemoMachine } from "./demo/demo-machine.ts";
import type { MachineProbe } from "./doctor/machine-probe.ts";
import { exitCodes, type ExitCode } from "./exit-codes.ts";
import type { RecoveryTools } from "./recover/recovery-tools.ts";
import { nearestName } from "./nearest-name.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

export interface ProgramComponents {
  readonly terminal: Terminal;
  readonly random: Random;
  readonly demoMachine: DemoMachine;
  /** Of few commands, and loaded by them. */
  readonly openProbe: () => Promise<MachineProbe>;
  readonly openRecoveryTools: () => Promise<RecoveryTools>;
  readonly stateFiles: StateFiles;
  /** Runs the server until it ends; `argv` is what follows `server`, `gateway` or `storage-node`. */
  readonly serve: (argv: readonly string[], role: Role) => Promise<ExitCode>;
}

/** Runs one command line (without node and script) and says how it ended. Failures are told on stderr here. */
export async function runProgram(argv: readonly string[], components: ProgramComponents): Promise<ExitCode> {
  const { terminal } = components;
  const call = translateCall(argv);
  try {
    return await dispatch(call, components);
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    terminal.hint(
      call.includes("--json") && !roles.includes(call[0] as Role) ? failureObject(error) : formatFailure(error),
    );
    return error.exitCode;
  }
}

const roles: readonly Role[] = ["server", "gateway", "storage-node"];

async function dispatch(call: readonly string[], components: ProgramComponents): Promise<ExitCode> {
  const asksHelp = call.includes("--help") || call.includes("-h");
  const role = roles.find((name) => name === call[0]);
  if (role !== undefined && !asksHelp) return components.serve(call.slice(1), role);
  const { program, outcome } = createProgram(components);
  if (call.length === 0) {
    components.terminal.hint(program.helpInformation().trimEnd());
    return exitCodes.usage;
  }
  try {
    await program.parseAsync([...call], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return describeEnd(error, call, program);
    throw error;
  }
  return outcome.exitCode;
}

/** Help and version end well; everything else that commander complains of is a usage failure. */
function describeEnd(error: CommanderError, call: readonly string[], program: Command): ExitCode {
  if (error.code === "commander.helpDisplayed" || error.code === "commander.version") return exitCodes.done;
  const path = commandPath(call, program);
  const command = path.at(-1) as Command;
  if (error.code === "commander.help")
    throw usageFailure(`${namesOf(path)} needs a command`, `${namesOf(path)} --help`);
  if (
    error.code === "commander.unknownCommand" ||
    (error.code === "commander.excessArguments" && command.commands.length > 0)
  ) {
    const given = call[path.length - 1] as string;
    const nearest = nearestName(
      given,
      command.commands.map((known) => known.name()),
    );
    throw usageFailure(
      `unknown command ${given}`,
      nearest === null ? `${namesOf(path)} --help` : `${namesOf(path)} ${nearest}`,
    );
  }
  throw describeUsageError(error, command);
}

function namesOf(path: readonly Command[]): string {
  return path.map((command) => command.name()).join(" ");
}

/** The program and the commands that `call` names, outermost first. */
function commandPath(call: readonly string[], program: Command): Command[] {
  const path = [program];
  for (const name of call) {
    const next = (path.at(-1) as Command).commands.find((command) => command.name() === name);
    if (next === undefined) break;
    path.push(next);
  }
  return path;
}

function failureObject(failure: CommandFailure): string {
  const { reason, message, remedy, exitCode } = failure;
  return JSON.stringify({ kind: "error", version: 1, reason, message, remedy, exitCode });
}

/** The tree of commands. What an action ended with is left in `outcome`. */
function createProgram(components: ProgramComponents): { program: Command; outcome: { exitCode: ExitCode } } {
  const { terminal, random, demoMachine, stateFiles } = components;
  const outcome: { exitCode: ExitCode } = { exitCode: exitCodes.done };
  const keep: Keep = async (load, run) => {
    outcome.exitCode = await run(await load());
  };
  const program = new Command("kakera")
    .description("Erasure-coded, S3-compatible object storage.")
    .version(`kakera ${version}`, "-V, --version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: () => {},
      getOutHelpWidth: () => 120,
    });
  addServerOptions(program.command("server")).description("store and serve objects on this machine's drives");
  addServerOptions(program.command("gateway")).description("serve the objects of a cluster, from other nodes' drives");
  addServerOptions(program.command("storage-node")).description("keep shards of a cluster, and serve no objects");
  addLiveOptions(program.command("health").description("whether a server lives, for health checks"))
    .option("--ready", "whether it serves requests")
    .action((flags: LiveFlags & { ready?: boolean }) =>
      keep(commands.health, ({ runHealth }) => runHealth(flags, terminal)),
    );
  addLiveOptions(program.command("status").description("one screen: how it is, and what to do"))
    .option("--watch", "again and again")
    .action((flags: LiveFlags & { watch?: boolean }) =>
      keep(commands.status, ({ runStatus }) => runStatus(flags, terminal)),
    );
  addCredentialCommands(program, { terminal, keep });
  addBucketCommands(program, { terminal, keep });
  addDriveCommands(program, { terminal, keep });
  addRepairCommands(program, { terminal, keep });
  addLiveOptions(program.command("explain").description("where an object's shards are, and what proves them"))
    .argument("<s3://BUCKET/KEY>")
    .option("--read", "read and verify every byte of every shard")
    .option("--chunks <N>", "show so many chunks of a large object (16)")
    .action((address: string, flags: ExplainFlags) =>
      keep(commands.explain, ({ runExplain }) => runExplain(address, flags, terminal)),
    );
  addMoveCommands(program, { terminal, keep });
  addLiveOptions(program.command("doctor").description("look for trouble, before the start and while it runs"))
    .argument("[DIR...]", "drive folders")
    .option("--address <HOST:PORT>", "where the server is to listen (KAKERA_ADDRESS; :9000)")
    .option("--console-address <HOST:PORT>", "where its status page is to be (KAKERA_CONSOLE_ADDRESS; :9001)")
    .option(
      "--etcd <URL[,URL]>",
      "the cluster's etcd (KAKERA_ETCD_ENDPOINTS); its certificates and user as of the server",
    )
    .option("--etcd-prefix <PREFIX>", "where the cluster's keys are in etcd (KAKERA_ETCD_PREFIX; /kakera/)")
    .option("--etcd-cacert <FILE>", "authority of etcd's certificate (KAKERA_ETCD_CACERT)")
    .option("--etcd-cert <FILE>", "client certificate for etcd (KAKERA_ETCD_CERT)")
    .option("--etcd-key <FILE>", "key of the client certificate for etcd (KAKERA_ETCD_KEY)")
    .option("--etcd-username <NAME>", "user of etcd (KAKERA_ETCD_USERNAME; its password by KAKERA_ETCD_PASSWORD)")
    .action((folders: string[], flags: DoctorFlags) =>
      keep(commands.doctor, async ({ runDoctor }) =>
        runDoctor(folders, flags, { terminal, probe: await components.openProbe() }),
      ),
    );
  addOperatorCommands(program, { terminal, stateFiles, keep });
  addRecoverCommand(program, { terminal, keep, openTools: components.openRecoveryTools });
  program
    .command("demo")
    .description("a cluster on this machine, with a live status, until Ctrl-C")
    .option("--nodes <N>", "how many nodes (4)")
    .option("--directory <DIR>", "keep its data there; a temporary folder otherwise")
    .action((flags: DemoFlags) =>
      keep(commands.demo, ({ runDemo }) => runDemo(flags, { terminal, machine: demoMachine, random })),
    );
  program
    .command("version")
    .description("the version")
    .action(() => terminal.print(`kakera ${version}`));
  return { program, outcome };
}

interface Wiring {
  readonly terminal: Terminal;
  readonly keep: Keep;
}

function addCredentialCommands(program: Command, { terminal, keep }: Wiring): void {
  const credentials = program.command("credentials").description("the root key that this machine generated");
  credentials
    .command("show")
    .argument("[DIR...]", "drive folders")
    .option("--json", "as JSON")
    .action((folders: string[], flags: { json?: boolean }) =>
      keep(commands.credentials, ({ runCredentialsShow }) => runCredentialsShow(folders, flags, terminal)),
    );
}

function addBucketCommands(program: Command, { terminal, keep }: Wiring): void {
  const bucket = program.command("bucket").description("list, make, remove and measure buckets");
  addLiveOptions(bucket.command("ls").description("all buckets")).action((flags: LiveFlags) =>
    keep(commands.bucket, ({ runBucketList }) => runBucketList(flags, terminal)),
  );
  addLiveOptions(bucket.command("create").description("make a bucket").argument("<NAME>")).action(
    (name: string, flags: LiveFlags) =>
      keep(commands.bucket, ({ runBucketCreate }) => runBucketCreate(name, flags, terminal)),
  );
  addLiveOptions(bucket.command("rm").description("remove an empty bucket").argument("<NAME>")).action(
    (name: string, flags: LiveFlags) =>
      keep(commands.bucket, ({ runBucketRemove }) => runBucketRemove(name, flags, terminal)),
  );
  addLiveOptions(bucket.command("usage").description("objects and bytes, exactly").argument("[NAME]")).action(
    (name: string | undefined, flags: LiveFlags) =>
      keep(commands.bucket, ({ runBucketUsage }) => runBucketUsage(name, flags, terminal)),
  );
}

function addDriveCommands(program: Command, { terminal, keep }: Wiring): void {
  const drive = program.command("drive").description("list drives, add one, replace and forget lost ones");
  addLiveOptions(drive.command("ls").description("all drives")).action((flags: LiveFlags) =>
    keep(commands.drive, ({ runDriveList }) => runDriveList(flags, terminal)),
  );
  addLiveOptions(
    drive.command("replace").description("make an empty folder a drive, in place of the lost one").argument("<DIR>"),
  ).action((directory: string, flags: LiveFlags) =>
    keep(commands.drive, ({ runDriveReplace }) => runDriveReplace(directory, flags, terminal)),
  );
  addLiveOptions(
    drive.command("add").description("make an empty folder a drive beside those that are there").argument("<DIR>"),
  ).action((directory: string, flags: LiveFlags) =>
    keep(commands.drive, ({ runDriveAdd }) => runDriveAdd(directory, flags, terminal)),
  );
  addLiveOptions(drive.command("forget").description("say that a drive is gone for good").argument("<ID>")).action(
    (driveId: string, flags: LiveFlags) =>
      keep(commands.drive, ({ runDriveForget }) => runDriveForget(driveId, flags, terminal)),
  );
}

function addRepairCommands(program: Command, { terminal, keep }: Wiring): void {
  const repair = program.command("repair").alias("heal").description("what is short of shards, and its mending");
  addLiveOptions(repair.command("status", { isDefault: true }).description("what was counted, and what waits")).action(
    (flags: LiveFlags) => keep(commands.repair, ({ runRepairStatus }) => runRepairStatus(flags, terminal)),
  );
  const orders: [RepairWord, string][] = [
    ["now", "count everything and mend it at once"],
    ["pause", "mend nothing until it is resumed"],
    ["resume", "mend what waits"],
  ];
  for (const [order, description] of orders)
    addLiveOptions(repair.command(order).description(description)).action((flags: LiveFlags) =>
      keep(commands.repair, ({ runRepairOrder }) => runRepairOrder(order, flags, terminal)),
    );
}

function addMoveCommands(program: Command, { terminal, keep }: Wiring): void {
  const plan = program.command("plan").description("what moving data between drives would take: nothing is done");
  addLiveOptions(plan.command("add").description("let new drives hold data").argument("[NODE|DRIVE...]")).action(
    (names: string[], flags: LiveFlags) =>
      keep(commands.plan, ({ runPlan }) => runPlan({ action: "add", names }, flags, terminal)),
  );
  addLiveOptions(
    plan.command("remove").description("empty drives, or all of a node, and let them go").argument("<NODE|DRIVE...>"),
  ).action((names: string[], flags: LiveFlags) =>
    keep(commands.plan, ({ runPlan }) => runPlan({ action: "remove", names }, flags, terminal)),
  );
  addLiveOptions(
    plan
      .command("replace")
      .description("move what one drive or node holds to a new one")
      .argument("<OLD>")
      .argument("<NEW>"),
  ).action((from: string, to: string, flags: LiveFlags) =>
    keep(commands.plan, ({ runPlan }) => runPlan({ action: "replace", names: [from, to] }, flags, terminal)),
  );
  addLiveOptions(
    plan.command("geometry").description("write everything anew with another number of shards").argument("<K+M>"),
  ).action((geometry: string, flags: LiveFlags) =>
    keep(commands.plan, ({ runPlan }) => runPlan({ action: "geometry", names: [geometry] }, flags, terminal)),
  );
  addLiveOptions(program.command("apply").description("carry out a plan, pause it, go on with it, or give it up"))
    .argument("[PLAN]", "as kakera plan named it")
    .option("--pause", "move nothing for the time being")
    .option("--resume", "go on")
    .option("--abort", "begin with no further group")
    .action((name: string | undefined, flags: ApplyFlags) =>
      keep(commands.plan, ({ runApply }) => runApply(name, flags, terminal)),
    );
}

function addRecoverCommand(
  program: Command,
  { terminal, keep, openTools }: Wiring & { readonly openTools: () => Promise<RecoveryTools> },
): void {
  program
    .command("recover-metadata")
    .description("give a cluster's metadata back from the archive on its drives, while its servers are stopped")
    .argument("[DIR...]", "drive folders")
    .option("--to <URL|DIR>", "an etcd that has lost it, or a new folder for a copy of the archive")
    .option("--dry-run", "only say what would be given back")
    .option("--accept-loss", "give nothing back: take etcd as it is, end a halt, give unproven shards up")
    .option("--etcd-prefix <PREFIX>", "where the cluster's keys are in etcd (KAKERA_ETCD_PREFIX; /kakera/)")
    .option("--etcd-cacert <FILE>", "authority of etcd's certificate (KAKERA_ETCD_CACERT)")
    .option("--etcd-cert <FILE>", "client certificate for etcd (KAKERA_ETCD_CERT)")
    .option("--etcd-key <FILE>", "key of the client certificate for etcd (KAKERA_ETCD_KEY)")
    .option("--etcd-username <NAME>", "user of etcd (KAKERA_ETCD_USERNAME; its password by KAKERA_ETCD_PASSWORD)")
    .option("--allow-old-etcd", "accept an etcd with known lost-event or stale-read bugs (KAKERA_ALLOW_OLD_ETCD)")
    .option("--yes", "do not ask")
    .option("--json", "as JSON, an object for each line")
    .action((folders: string[], flags: RecoverFlags) =>
      keep(commands.recoverMetadata, async ({ runRecoverMetadata }) =>
        runRecoverMetadata(folders, flags, { terminal, tools: await openTools() }),
      ),
    );
}
