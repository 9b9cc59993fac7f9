import { KIB, MIB } from "@kakera/kernel";
import { envelopeBytes } from "./envelope.ts";

/** Where calls go: `/kakera/node/v1/CALL`. */
export const callPathPrefix = "/kakera/node/v1/";

/** Payload of one call or answer; longer pieces, windows and shards travel in several. A multiple of the block. */
export const payloadBytesMax = 4 * MIB;
/** Header of a call. */
export const callHeaderBytesMax = 256 * KIB;
/** Header of an answer: a page of an inventory. */
export const answerHeaderBytesMax = 2 * MIB;
export const callBytesMax = envelopeBytes + callHeaderBytesMax + payloadBytesMax;
/** Shards of one answer: a kilobyte of key and some digests each. */
export const inventoryPageMax = 1000;
/** Names in one call. */
export const removalsPerCallMax = 4096;
