/** Longer than that no timer waits. */
const holdMs = 2 ** 31 - 1;

/**
 * Node ends a process that has nothing left to wait for but timers of the system clock, which hold nothing: a start that waits for etcd
 * between two attempts would end in the middle of it, with Node's exit code 13. Until it is disposed the process goes on.
 */
export function holdProcess(): Disposable {
  const timer = setInterval(() => {}, holdMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
