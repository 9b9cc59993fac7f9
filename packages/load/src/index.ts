export {
  openConnection,
  type Connection,
  type Expected,
  type ExpectedContent,
  type Reply,
  type SendBody,
  type TlsTrust,
} from "./drivers/connection.ts";
export { ownCpuMs } from "./drivers/own-cpu.ts";
export { patternBlock, patternFor } from "./pattern.ts";
export { removeBucket } from "./remove-bucket.ts";
export { RequestRefused } from "./request-refused.ts";
export {
  loadOperations,
  makeBucket,
  objectName,
  prefill,
  runLoad,
  type LoadOperation,
  type LoadParts,
  type LoadResult,
  type LoadSpec,
  type LoadTarget,
} from "./run-load.ts";
export { createSigner, emptyHash, type Signer } from "./signer.ts";
