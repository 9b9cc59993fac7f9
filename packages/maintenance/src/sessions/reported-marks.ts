import type { ReportedMarks, View } from "@kakera/metadata";
import type { Watermarks } from "../ports/watermarks.ts";

/** Looks that are kept until what was under way then has ended; a read that takes long holds up what comes behind it. */
const looksMax = 64;

/** Says from which revision on everything that is under way in this process began: it looks whenever it is asked. */
class MarkLooks {
  readonly #register: Watermarks;
  readonly #view: View;
  #looks: { readonly mark: number; readonly revision: number }[] = [];
  #from = 0;

  constructor(register: Watermarks, view: View) {
    this.#register = register;
    this.#view = view;
  }

  /** A revision that never falls. */
  look(): number {
    if (this.#looks.length < looksMax)
      this.#looks.push({ mark: this.#register.set(), revision: this.#view.appliedRevision });
    while (this.#looks[0] !== undefined && this.#register.isPassed(this.#looks[0].mark)) {
      this.#from = Math.max(this.#from, this.#looks[0].revision);
      this.#looks.shift();
    }
    return this.#from;
  }
}

/** What a gateway reports of its bodies. */
export function reportedMarks(
  bodies: { readonly reads: Watermarks; readonly writes: Watermarks; readonly writeFloor: number },
  view: View,
): () => ReportedMarks {
  const reads = new MarkLooks(bodies.reads, view);
  const writes = new MarkLooks(bodies.writes, view);
  return () => ({ readsFrom: reads.look(), writesFrom: writes.look(), writeFloor: bodies.writeFloor });
}
