/** Runs pieces of work one after the other, in the order in which they were asked for. */
export function createExclusive(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const run = last.then(work);
    last = run.catch(() => {}); // the next one does not care how it ended
    return run;
  };
}
