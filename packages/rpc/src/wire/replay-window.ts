/** Nonces this far below the highest one may still come: calls overtake each other on many sockets. */
export const replayWindowNonces = 131_072;
const wordBits = 32;

/** Tells nonces that were seen before. Those too old to tell count as seen. */
export class ReplayWindow {
  readonly #seen = new Uint32Array(replayWindowNonces / wordBits);
  #highest = 0;

  /** Whether the nonce (from 1 on) is new; it is not from then on. */
  accept(nonce: number): boolean {
    if (!Number.isSafeInteger(nonce) || nonce < 1 || nonce <= this.#highest - replayWindowNonces) return false;
    if (nonce > this.#highest) this.#advance(nonce);
    const at = nonce % replayWindowNonces;
    const word = Math.floor(at / wordBits);
    const bit = 1 << (at % wordBits);
    if (((this.#seen[word] as number) & bit) !== 0) return false;
    this.#seen[word] = (this.#seen[word] as number) | bit;
    return true;
  }

  /** The places of nonces between are those of nonces that are too old now. */
  #advance(nonce: number): void {
    if (nonce - this.#highest >= replayWindowNonces) this.#seen.fill(0);
    else {
      for (let passed = this.#highest + 1; passed <= nonce; passed++) {
        const at = passed % replayWindowNonces;
        const word = Math.floor(at / wordBits);
        this.#seen[word] = (this.#seen[word] as number) & ~(1 << (at % wordBits));
      }
    }
    this.#highest = nonce;
  }
}
