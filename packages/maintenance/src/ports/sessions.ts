import type { SessionId } from "@kakera/kernel";

/** What the sessions of all gateways have reported (correctness.md R8). */
export interface Sessions {
  /**
   * Every write of the session with a lower number is decided: a record names its body, or none ever will. Infinity when the
   * session is gone. Never falls.
   */
  floorOf(session: SessionId): number;
}
