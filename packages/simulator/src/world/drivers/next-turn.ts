/** Resolves when the queue of microtasks is empty: nothing of the world waits for the machine, so that nothing else can come between. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
