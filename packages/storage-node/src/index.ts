export { openDrive, type DriveComponents } from "./open-drive.ts";
export type { Drive } from "./drive.ts";
export { defaultDriveSettings, type DriveSettings } from "./drive-settings.ts";
export { formatDrive, type DriveFormat } from "./identity/format-drive.ts";
export { readIdentity } from "./identity/identity-file.ts";
export type { DeviceRelation, DriveIdentity, LogWitness } from "./identity/identity-record.ts";
export { createMemoryStore } from "./index/memory-store.ts";
export type { OrderedStore, StoreChange } from "./index/ordered-store.ts";
export { failpointNames, type FailpointName } from "./failpoints.ts";
