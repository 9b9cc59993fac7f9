import { MIB, type Clock } from "@kakera/kernel";
import { MemoryBudget, type Budget, type MemorySource } from "./memory-budget.ts";

/** Who needs no more is served from memory that nobody else can hold. */
const smallBytesMax = 1 * MIB;
/** Of all, kept for small takes. */
const reserveShare = 1 / 8;

/**
 * A budget of two parts, so that clients which stall in the middle of large bodies, and hold what those need, keep nobody
 * from small ones. Small takes come from either part and wait for their own; large ones know only the larger part.
 */
export class SplitBudget implements Budget {
  /** The largest take. */
  readonly bytesMax: number;
  readonly #reserve: MemoryBudget;
  readonly #rest: MemoryBudget;

  constructor(parts: { readonly clock: Clock }, settings: { readonly bytesMax: number; readonly waitMsMax: number }) {
    const reserveBytes = Math.floor(settings.bytesMax * reserveShare);
    this.#reserve = new MemoryBudget(parts, { ...settings, bytesMax: reserveBytes });
    this.#rest = new MemoryBudget(parts, { ...settings, bytesMax: settings.bytesMax - reserveBytes });
    this.bytesMax = this.#rest.bytesMax;
  }

  tryTake(bytes: number): MemorySource | null {
    if (this.#isSmall(bytes) && this.#reserve.tryTake(bytes)) return this.#reserve;
    return this.#rest.tryTake(bytes) ? this.#rest : null;
  }

  /** As MemoryBudget's; resolves to where the bytes are to be given back. */
  async take(bytes: number, signal: AbortSignal): Promise<MemorySource> {
    const source = this.tryTake(bytes);
    if (source !== null) return source;
    const waited = this.#isSmall(bytes) ? this.#reserve : this.#rest;
    await waited.take(bytes, signal);
    return waited;
  }

  #isSmall(bytes: number): boolean {
    return bytes <= smallBytesMax && bytes <= this.#reserve.bytesMax;
  }
}
