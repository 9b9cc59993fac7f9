import { assert, ClusterFailure } from "@kakera/kernel";
import type { BodyStore } from "@kakera/gateway";

/** A data path that the gateway can be built on before the log is open; see LateLog. */
export interface LateBodies extends BodyStore {
  open(bodies: BodyStore): void;
}

export function createLateBodies(): LateBodies {
  let opened: BodyStore | null = null;
  const bodies = (): BodyStore => {
    if (opened === null) throw new ClusterFailure("retry", "the server is starting");
    return opened;
  };
  return {
    open(openBodies) {
      assert(opened === null, "bodies open once");
      opened = openBodies;
    },
    write: async (source, owner, signal) => bodies().write(source, owner, signal),
    readNow: (parts, range) => bodies().readNow(parts, range),
    read: async (parts, range, sink, signal) => bodies().read(parts, range, sink, signal),
    copy: async (original, owner, signal) => bodies().copy(original, owner, signal),
    discard: async (written) => bodies().discard(written),
    settle: (written) => bodies().settle(written),
    get writeFloor() {
      return bodies().writeFloor;
    },
  };
}
