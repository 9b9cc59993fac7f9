/** Takes bytes in their order. */
export interface ByteSink {
  /** The bytes may change when it returns. Throws FrameFailure. */
  push(chunk: Uint8Array): void;
  /** Where the next bytes are to lie, all of it: who puts some there, from its start, says so by `placed`. null: they are to be pushed. */
  room(): Uint8Array | null;
  placed(sizeBytes: number): void;
}
