import { keyOf, objectSizeBytesMax } from "../model/upload-plan.ts";
import { uploadFile, type UploadParts } from "./upload-file.ts";

export interface PickedFile {
  readonly file: Blob;
  /** With its folders: `photos/2026/a.jpg`. */
  readonly path: string;
}

export interface UploadItem {
  readonly id: number;
  readonly bucket: string;
  readonly key: string;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly state: "waiting" | "sending" | "done" | "failed" | "cancelled";
  readonly failure: unknown;
}

export interface UploadClock {
  readonly sleep: UploadParts["sleep"];
  /** Calls soon, and once for all calls until then. */
  readonly soon: (call: () => void) => void;
}

const filesAtOnceMax = 3;
const requestsAtOnceMax = 4;
export const uploadsMax = 100_000;

/** Files on their way to the server, some at a time. What is shown is a snapshot: a new array whenever something has changed. */
export class UploadQueue {
  readonly #items = new Map<number, UploadItem>();
  #snapshot: readonly UploadItem[] = [];
  /** In the order in which they were added; those that were cancelled are passed over. */
  #waiting: { readonly id: number; readonly file: Blob }[] = [];
  readonly #cancels = new Map<number, AbortController>();
  readonly #listeners = new Set<() => void>();
  readonly #parts: UploadParts;
  readonly #clock: UploadClock;
  #lastId = 0;
  #sendingCount = 0;

  constructor(store: UploadParts["store"], clock: UploadClock) {
    this.#clock = clock;
    this.#parts = { store, sleep: clock.sleep, inTurn: createTurns(requestsAtOnceMax) };
  }

  get items(): readonly UploadItem[] {
    return this.#snapshot;
  }

  get isBusy(): boolean {
    return this.#sendingCount > 0;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Throws RangeError when that would be more than the list takes. */
  add(bucket: string, prefix: string, files: readonly PickedFile[]): void {
    if (this.#items.size + files.length > uploadsMax) this.clear();
    if (this.#items.size + files.length > uploadsMax)
      throw new RangeError(
        `More than ${uploadsMax.toLocaleString("en")} files: aws s3 cp --recursive takes any number.`,
      );
    const tooLarge = files.find(({ file }) => file.size > objectSizeBytesMax);
    if (tooLarge !== undefined)
      throw new RangeError(`${tooLarge.path} is larger than 5 TiB, the largest object there is.`);
    for (const { file, path } of files) {
      const id = ++this.#lastId;
      const key = keyOf(prefix, path);
      this.#items.set(id, { id, bucket, key, sizeBytes: file.size, sentBytes: 0, state: "waiting", failure: null });
      this.#waiting.push({ id, file });
    }
    this.#begin();
    this.#show();
  }

  cancel(id: number): void {
    this.#cancels.get(id)?.abort();
    if (this.#items.get(id)?.state === "waiting") this.#change(id, { state: "cancelled" });
  }

  cancelAll(): void {
    for (const { id } of this.#waiting) this.cancel(id);
    for (const cancel of this.#cancels.values()) cancel.abort();
  }

  /** Takes what has ended off the list. */
  clear(): void {
    for (const { id, state } of this.#items.values())
      if (state !== "waiting" && state !== "sending") this.#items.delete(id);
    this.#show();
  }

  #begin(): void {
    while (this.#sendingCount < filesAtOnceMax) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const item = this.#items.get(next.id);
      if (item?.state === "waiting") void this.#send(item, next.file);
    }
  }

  async #send(item: UploadItem, file: Blob): Promise<void> {
    const { id, sizeBytes } = item;
    const cancel = new AbortController();
    this.#cancels.set(id, cancel);
    this.#sendingCount++;
    this.#change(id, { state: "sending" });
    try {
      const note = (sentBytes: number): void => this.#change(id, { sentBytes: Math.min(sentBytes, sizeBytes) });
      await uploadFile(this.#parts, { ...item, file }, note, cancel.signal);
      this.#change(id, { state: "done", sentBytes: sizeBytes });
    } catch (failure) {
      this.#change(id, cancel.signal.aborted ? { state: "cancelled" } : { state: "failed", failure });
    } finally {
      this.#sendingCount--;
      this.#cancels.delete(id);
      this.#begin();
    }
  }

  #change(id: number, change: Partial<UploadItem>): void {
    const item = this.#items.get(id);
    if (item === undefined) return;
    this.#items.set(id, { ...item, ...change });
    this.#clock.soon(() => this.#show());
  }

  #show(): void {
    this.#snapshot = [...this.#items.values()];
    for (const listener of this.#listeners) listener();
  }
}

/** Lets `atOnceMax` go at once, the others in the order in which they came. */
function createTurns(atOnceMax: number): UploadParts["inTurn"] {
  const waiting: (() => void)[] = [];
  let goingCount = 0;
  return async (work, signal) => {
    if (goingCount >= atOnceMax) await new Promise<void>((resolve) => waiting.push(resolve));
    else goingCount++;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) goingCount--;
      else next();
    }
  };
}
