import { parseArgs } from "node:util";
import { change, openLog } from "./open-log.ts";

/**
 * A gateway as a process of its own, for tests that stop it: commits without end, many at a time, all of them of one key besides one of
 * their own, so that most of them wait. Tells its parent, in messages: {@link GatewaySaid}.
 */
export type GatewaySaid =
  | { readonly kind: "offered"; readonly name: string; readonly session: string }
  /** `absent`: it has certainly not happened. */
  | { readonly kind: "decided"; readonly name: string; readonly outcome: "committed" | "absent" | "unknown" };

const { values: options } = parseArgs({
  options: { etcd: { type: "string" }, prefix: { type: "string" }, "ttl-seconds": { type: "string" } },
});
const inFlight = 16;
const alive = setInterval(() => {}, 1000);
const say = (said: GatewaySaid): void => void process.send?.(said);
const { log } = await openLog({
  endpoints: [options.etcd as string],
  prefix: options.prefix as string,
  settings: { sessionTtlSeconds: Number(options["ttl-seconds"]) },
});
let isOver = false;
process.once("message", () => (isOver = true));

await Promise.all(
  Array.from({ length: inFlight }, async (_, writer) => {
    for (let i = 0; !isOver; i++) {
      const name = `w${writer}-${i}`;
      say({ kind: "offered", name, session: log.session });
      say({ kind: "decided", name, outcome: await outcomeOf(name) });
    }
  }),
);
await log.close();
clearInterval(alive);
process.disconnect?.();

async function outcomeOf(name: string): Promise<"committed" | "absent" | "unknown"> {
  try {
    const { outcome } = await log.commit(change({ [name]: "1", shared: name }));
    return outcome === "committed" ? "committed" : "absent";
  } catch (failure) {
    return (failure as Error).constructor.name === "UnknownOutcome" ? "unknown" : "absent";
  }
}
