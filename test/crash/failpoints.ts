import { failpointNames as metadataFailpoints } from "@kakera/metadata";
import { failpointNames as driveFailpoints } from "@kakera/storage-node";

/** Every named moment at which a server can be told to kill itself. */
export const failpointNames: readonly string[] = [...metadataFailpoints, ...driveFailpoints];
