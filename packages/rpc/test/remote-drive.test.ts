import { describeDriveContract } from "../../storage-node/test/drive-contract.ts";
import { startNode } from "./node-kit.ts";

describeDriveContract("a drive of another node", async () => {
  const node = await startNode();
  const client = node.client();
  await client.refresh();
  return {
    drive: client.drive(node.driveId),
    driveId: node.driveId,
    refresh: () => client.refresh(),
    end: () => node.end(),
  };
});
