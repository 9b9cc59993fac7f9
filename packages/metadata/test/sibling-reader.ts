import { existsSync } from "node:fs";
import { ClusterFailure } from "@kakera/kernel";
import { tableByte } from "../src/key-space.ts";
import { openSiblingView } from "../src/index.ts";

/** What a reading process is asked; keys in hex. */
export type ReaderQuestion =
  | { readonly kind: "read"; readonly key: string }
  | { readonly kind: "list"; readonly from: string; readonly to: string }
  | { readonly kind: "generations" }
  /** Looks, says so, holds its turn until `flag` exists, looks again, and once more after a refresh. */
  | { readonly kind: "within-a-turn"; readonly key: string; readonly flag: string }
  /** Looks, and never ends its turn. */
  | { readonly kind: "pin"; readonly key: string };

export interface ReaderAnswer {
  readonly values?: readonly (string | null)[];
  readonly revision?: number;
  readonly appliedRevision?: number;
  readonly count?: number;
  readonly walked?: number;
  readonly last?: string | undefined;
  readonly generations?: { readonly bucket: number; readonly garbage: number };
  readonly failure?: string;
}

const view = openSiblingView({ directory: process.argv[2] as string });
const say = (answer: ReaderAnswer): void => void process.send?.(answer);

process.on("message", (question: ReaderQuestion) => {
  view.refresh();
  try {
    answer(question);
  } catch (failure) {
    if (!(failure instanceof ClusterFailure)) throw failure;
    say({ failure: failure.kind });
  }
});
process.on("disconnect", () => process.exit());

function answer(question: ReaderQuestion): void {
  const look = (key: string): string | null => view.get(Buffer.from(key, "hex"))?.value.toString() ?? null;
  if (question.kind === "read") {
    const { key } = question;
    const { appliedRevision } = view;
    say({ values: [look(key)], revision: view.get(Buffer.from(key, "hex"))?.revision ?? 0, appliedRevision });
  } else if (question.kind === "list") {
    const [from, to] = [Buffer.from(question.from, "hex"), Buffer.from(question.to, "hex")];
    let walked = 0;
    view.walk(from, to, () => (walked++, "next"));
    say({ count: view.range(from, to, 1000).length, walked, last: view.last(from, to)?.value.toString() });
  } else if (question.kind === "generations") {
    const of = (table: "bucket" | "garbage"): number => view.generation(tableByte(table));
    say({ generations: { bucket: of("bucket"), garbage: of("garbage") } });
  } else if (question.kind === "within-a-turn") {
    const values = [look(question.key)];
    say({});
    while (!existsSync(question.flag));
    values.push(look(question.key));
    view.refresh();
    values.push(look(question.key));
    say({ values, appliedRevision: view.appliedRevision });
  } else {
    look(question.key);
    say({});
    for (;;);
  }
}
