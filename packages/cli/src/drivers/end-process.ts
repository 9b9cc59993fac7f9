/**
 * Ends the process now, whatever is under way, by becoming another one that ends at once with the same code. `process.exit` waits for
 * two kinds of threads first. One that does a file call on a drive that hangs would keep the process, its port and its locks
 * for as long as the drive hangs. One that compiles may wait for a collection of the main thread, which waits for it:
 * neither ever ends (nodejs/node#54918; seen here once in some hundred starts that failed early). Calls that are cut off are no worse off
 * than with SIGKILL.
 */
export function endProcess(exitCode: number): never {
  const asShell = ["/bin/sh", ["sh", "-c", `exit ${exitCode}`]] as const;
  // Where there is no shell: with nothing to compile, and nobody to do it.
  const asNode = [
    process.execPath,
    ["node", "--single-threaded", "--jitless", "-e", `process.exitCode=${exitCode}`],
  ] as const;
  for (const [program, args] of [asShell, asNode]) {
    try {
      process.execve?.(program, [...args], {});
    } catch {
      continue;
    }
  }
  process.exit(exitCode);
}
