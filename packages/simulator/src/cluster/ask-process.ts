import type { Machine } from "../world/machine.ts";

export type Reply<Answer> =
  | { readonly kind: "answered"; readonly answer: Answer }
  | { readonly kind: "silent"; readonly why: string };

/** A client gives up after so long, and does not know. */
const patienceMs = 20_000;
const lookMs = 200;

/** There and back. Of a process that dies, stands still for too long, or has a bug nobody knows what it did. */
export function askProcess<Answer>(machine: Machine, work: () => Promise<Answer>): Promise<Reply<Answer>> {
  const { world } = machine;
  const { promise, resolve } = Promise.withResolvers<Reply<Answer>>();
  const giveUpMs = world.time.nowMs + patienceMs;
  let isAnswered = false;
  const answer = (reply: Reply<Answer>): void => {
    isAnswered = true;
    resolve(reply);
  };
  const look = (): void => {
    if (isAnswered) return;
    if (machine.isDead) resolve({ kind: "silent", why: "the gateway died" });
    else if (world.time.nowMs >= giveUpMs) resolve({ kind: "silent", why: "no answer" });
    else world.time.after(lookMs, look);
  };
  world.time.after(lookMs, look);
  machine.later(world.between(0.05, 0.5), () => {
    work().then(
      (done) =>
        machine.later(0, () =>
          world.time.after(world.between(0.05, 0.5), () => answer({ kind: "answered", answer: done })),
        ),
      (bug: unknown) => {
        world.violated(`a bug: ${bug instanceof Error ? bug.stack : String(bug)}`);
        answer({ kind: "silent", why: "a bug" });
      },
    );
  });
  return promise;
}
