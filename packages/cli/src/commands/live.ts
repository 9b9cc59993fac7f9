import { resolveCredentials, resolveLiveSettings, type LiveFlags, type LiveSettings } from "../client/live-settings.ts";
import { createServerClient, type ServerClient } from "../client/server-client.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** Everything a live command works with. */
export interface Live {
  readonly client: ServerClient;
  readonly settings: LiveSettings;
  readonly terminal: Terminal;
}

/** Runs `work` with a client that signs. */
export async function withSignedClient(
  flags: LiveFlags,
  terminal: Terminal,
  work: (live: Live) => Promise<ExitCode>,
): Promise<ExitCode> {
  const settings = resolveLiveSettings(flags, terminal);
  const credentials = await resolveCredentials(flags, terminal);
  const client = createServerClient(settings, { nowMs: () => terminal.clock.nowMs(), credentials });
  try {
    return await work({ client, settings, terminal });
  } finally {
    await client.close();
  }
}
