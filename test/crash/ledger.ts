import { createHash } from "node:crypto";

/** Digest of a body, or null for "no object". */
export type Held = string | null;

export const digest = (body: Uint8Array): string => createHash("sha256").update(body).digest("hex");

/**
 * What the client knows outside of the server: for every key the value that was acknowledged, and the values of changes
 * that were under way when the server died (each may have happened or not).
 */
export interface Ledger {
  /** A change is sent: from now on the key may hold `value`. */
  begin(key: string, value: Held): void;
  /** It was acknowledged: the key holds `value`. */
  acknowledge(key: string, value: Held): void;
  /** It was refused for certain: the key holds what it held. */
  refuse(key: string, value: Held): void;
  /** The values that the key may hold. */
  possible(key: string): ReadonlySet<Held>;
  /** The key was read: what was unsure is now sure, and must stay so. */
  settle(key: string, value: Held): void;
  keys(): Iterable<string>;
}

export function createLedger(): Ledger {
  const held = new Map<string, Held>();
  const unsure = new Map<string, Set<Held>>();
  return {
    begin(key, value) {
      const values = unsure.get(key) ?? new Set<Held>();
      values.add(value);
      unsure.set(key, values);
      if (!held.has(key)) held.set(key, null);
    },
    acknowledge(key, value) {
      held.set(key, value);
      unsure.delete(key);
    },
    refuse(key, value) {
      unsure.get(key)?.delete(value);
    },
    possible(key) {
      return new Set([held.get(key) ?? null, ...(unsure.get(key) ?? [])]);
    },
    settle(key, value) {
      held.set(key, value);
      unsure.delete(key);
    },
    keys: () => held.keys(),
  };
}
