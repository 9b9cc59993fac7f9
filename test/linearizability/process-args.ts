/** How many processes serve one port: KAKERA_TEST_PROCESSES, or what a server does by itself. */
export function processArgs(): readonly string[] {
  const count = process.env.KAKERA_TEST_PROCESSES;
  return count === undefined || count === "" ? [] : ["--processes", count];
}
