export { chunkGroup } from "./chunk-group.ts";
export { chooseHomes, type DriveWeight } from "./choose-homes.ts";
