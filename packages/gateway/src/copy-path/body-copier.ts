import { assert, idBytes, type DataId } from "@kakera/kernel";
import { records, type BodyPlaceInput, type RepairRecordInput } from "@kakera/protocol";
import type { BodyOwner, WrittenBody } from "../bodies.ts";
import type { BodyStore } from "../create-bodies.ts";

/** A body on drives, as maintenance names it. */
interface OriginalBody {
  readonly dataId: DataId;
  readonly pool: number;
  readonly form: "CODED" | "REPLICATED";
  readonly sizeBytes: number;
}

/** Exactly one of `settle` and `discard` ends it, and neither while the outcome of its commit is unknown. */
interface CopiedBody {
  readonly place: BodyPlaceInput;
  readonly repair: RepairRecordInput | null;
  readonly session: WrittenBody["session"];
  settle(): void;
  discard(): Promise<void>;
}

/** For maintenance, which writes bodies anew by the way that clients' copies go. Rejects as `Bodies.copy` does. */
export function createBodyCopier(bodies: Pick<BodyStore, "copy" | "settle" | "discard">): {
  copy(original: OriginalBody, owner: Omit<BodyOwner, "inlineBytesMax">, signal: AbortSignal): Promise<CopiedBody>;
} {
  return {
    async copy({ dataId, pool, form, sizeBytes }, owner, signal) {
      const place = { dataId: idBytes(dataId), pool, form: records.BodyForm[form], sizeBytes };
      const original = {
        parts: [{ kind: "chunks", place, sizeBytes } as const],
        range: { offsetBytes: 0, lengthBytes: sizeBytes },
        watch: () => {},
      };
      const body = await bodies.copy(original, { ...owner, inlineBytesMax: 0 }, signal);
      assert(body.kind === "chunks", "what lay on drives lies on drives again");
      return {
        place: body.place,
        repair: body.repair,
        session: body.session,
        settle: () => bodies.settle([body]),
        discard: () => bodies.discard([body]),
      };
    },
  };
}
