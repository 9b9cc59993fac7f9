import { blockChecksumSizeBytes, blockSizeBytes } from "@kakera/erasure";
import { assert } from "@kakera/kernel";
import type { ByteWindow } from "@kakera/rpc";

/** The part of a payload that a window asks for, and which blocks' checksums go with it. */
export interface PayloadCut {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Of the first checksum, from the start of the tail. */
  readonly checksumOffset: number;
  readonly checksumBytes: number;
}

/** Cuts the window at the payload's end. */
export function cutWindow(window: ByteWindow, payloadBytes: number): PayloadCut {
  const { offsetBytes } = window;
  assert(offsetBytes % blockSizeBytes === 0, "a window begins at a block's start");
  const lengthBytes = Math.max(0, Math.min(window.lengthBytes, payloadBytes - offsetBytes));
  return {
    offsetBytes,
    lengthBytes,
    checksumOffset: (offsetBytes / blockSizeBytes) * blockChecksumSizeBytes,
    checksumBytes: Math.ceil(lengthBytes / blockSizeBytes) * blockChecksumSizeBytes,
  };
}
