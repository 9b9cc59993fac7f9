/**
 * What clients of one bucket did and were told. Times are of one monotonic clock, in any unit; of what got no answer, or one that says
 * nothing of the outcome, `returnAt` is Infinity: it may take effect at any time after its call, once, or never.
 */
export type ClientOperation = PutOperation | DeleteOperation | ReadOperation | ListOperation;

interface Span {
  readonly callAt: number;
  readonly returnAt: number;
}

export interface PutOperation extends Span {
  readonly kind: "put";
  readonly key: string;
  /** Stands for body and ETag: no two PUTs of a history have the same. */
  readonly value: string;
  /** null: none; `absent`: If-None-Match: *; else If-Match. */
  readonly condition: null | "absent" | { readonly matches: string };
  /** `refused` is 412, `missing` is the 404 of an If-Match. With an unknown outcome `done`, until infinity. */
  readonly outcome: "done" | "refused" | "missing";
}

export interface DeleteOperation extends Span {
  readonly kind: "delete";
  readonly key: string;
}

/** A GET or HEAD that was answered. */
export interface ReadOperation extends Span {
  readonly kind: "read";
  readonly key: string;
  /** null: 404. */
  readonly seen: string | null;
}

/** One page of LIST that was answered, and that has room for every key. */
export interface ListOperation extends Span {
  readonly kind: "list";
  /** Key to value; a key that is not in it was not there. */
  readonly seen: ReadonlyMap<string, string>;
}
