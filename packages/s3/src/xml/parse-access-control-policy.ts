import { KIB } from "@kakera/kernel";
import { S3Error } from "../errors/s3-error.ts";
import { childrenNamed, childText, readXmlDocument, requiredText } from "./read-document.ts";
import type { XmlElement } from "./read-tree.ts";

const policyBytesMax = 64 * KIB;

/**
 * Accepts a policy that says what is so anyway: the owner, and nobody else, has full control. Throws MalformedXML, and NotImplemented
 * for one that would promise anything else.
 */
export function checkAccessControlPolicy(body: Buffer, ownerId: string): void {
  const root = readXmlDocument(body, { rootName: "AccessControlPolicy", bytesMax: policyBytesMax });
  const grants = childrenNamed(root, "AccessControlList").flatMap((list) => childrenNamed(list, "Grant"));
  if (grants.length === 0 || !grants.every((grant) => isOwnersFullControl(grant, ownerId))) {
    throw new S3Error(
      "NotImplemented",
      {},
      "Access control lists that grant anything but FULL_CONTROL to the owner are not implemented.",
    );
  }
}

function isOwnersFullControl(grant: XmlElement, ownerId: string): boolean {
  const grantee = childrenNamed(grant, "Grantee")[0];
  return (
    grantee !== undefined &&
    childText(grantee, "ID") === ownerId &&
    requiredText(grant, "Permission") === "FULL_CONTROL"
  );
}
