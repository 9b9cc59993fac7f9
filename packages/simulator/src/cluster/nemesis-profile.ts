/**
 * What a history is about.
 * - `all`: every kind of fault but rot.
 * - `rot`: bytes on one drive change, and else only so much happens that no write has fewer shards than that drive may spoil.
 * - `moves`: plans follow each other closely while clients have no rest, and what happens besides only makes things late.
 * - `calm`: nothing.
 */
export type NemesisProfile = "calm" | "all" | "rot" | "moves";

/** Every third seed is for rot, one of six for moves. */
export function profileOf(seed: number): NemesisProfile {
  if (seed % 3 === 0) return "rot";
  return seed % 6 === 1 ? "moves" : "all";
}
