import type { Command } from "commander";

/** The flags that every live command has. */
export function addLiveOptions(command: Command): Command {
  return command
    .option("--endpoint <URL>", "the server (KAKERA_ENDPOINT; http://127.0.0.1:9000)")
    .option(
      "--access-key <KEY>",
      "whose key signs (KAKERA_ACCESS_KEY, AWS_ACCESS_KEY_ID); its secret comes by KAKERA_SECRET_KEY",
    )
    .option("--json", "results as JSON, one object on each line")
    .option("--quiet", "no hints")
    .option("--no-color", "no colors (NO_COLOR)")
    .option("--timeout <DURATION>", "how long to wait for the server (30s)")
    .option("--yes", "do not ask")
    .option("--ca-file <FILE>", "authority of the server's certificate")
    .option("--insecure", "do not check the server's certificate");
}
