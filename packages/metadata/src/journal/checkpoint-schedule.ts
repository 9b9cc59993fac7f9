import type { Logger } from "@kakera/kernel";
import type { Member } from "./member.ts";
import { isCheckpointDue } from "./run-checkpoint.ts";
import type { JournalSettings } from "./settings.ts";

const batchesBetweenFailedCheckpoints = 256;

/** When checkpoints are written in the background: one at a time, and one that fails is not tried again with each batch. */
export class CheckpointSchedule {
  readonly #write: () => Promise<void>;
  readonly #components: { readonly logger: Logger; readonly settings: JournalSettings };
  #isWriting = false;
  #noneBefore = 0;

  constructor(write: () => Promise<void>, components: { readonly logger: Logger; readonly settings: JournalSettings }) {
    this.#write = write;
    this.#components = components;
  }

  /** `sequence`: the last batch that was acknowledged. */
  writeWhenDue(members: readonly Member[], sequence: number): void {
    if (this.#isWriting || sequence < this.#noneBefore) return;
    if (isCheckpointDue(members, this.#components.settings)) this.writeNow(sequence);
  }

  writeNow(sequence: number): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    void this.#write()
      .catch((error: unknown) => {
        this.#noneBefore = sequence + batchesBetweenFailedCheckpoints;
        this.#components.logger.log("error", "checkpoint.failed", { error });
      })
      .finally(() => (this.#isWriting = false));
  }
}
