import { escapeXml } from "./escape.ts";

/** What every document begins with: an answer that is kept alive with white space sends it early, and the rest behind the space. */
export const xmlDeclaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

export interface Owner {
  readonly id: string;
  readonly displayName: string;
}

/** A whole document in S3's namespace. `content` is XML already. */
export function documentXml(root: string, content: string): string {
  return `${xmlDeclaration}<${root} ${namespace}>${content}</${root}>`;
}

/** `<Name>text</Name>`, escaped. */
export function elementXml(name: string, text: string | number): string {
  return typeof text === "number" ? `<${name}>${text}</${name}>` : `<${name}>${escapeXml(text)}</${name}>`;
}

/** Nothing when there is no value: absent and empty elements mean different things to clients. */
export function optionalXml(name: string, text: string | number | null): string {
  return text === null ? "" : elementXml(name, text);
}

/** `<Name><ID/><DisplayName/></Name>`, for Owner and Initiator. */
export function ownerXml(name: "Owner" | "Initiator", owner: Owner): string {
  return `<${name}>${elementXml("ID", owner.id)}${elementXml("DisplayName", owner.displayName)}</${name}>`;
}

/** Buckets and objects belong to their owner alone: ACLs are off. */
export function accessControlPolicyXml(owner: Owner): string {
  const grantee = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${elementXml("ID", owner.id)}${elementXml("DisplayName", owner.displayName)}</Grantee>`;
  const grant = `<Grant>${grantee}<Permission>FULL_CONTROL</Permission></Grant>`;
  return documentXml(
    "AccessControlPolicy",
    `${ownerXml("Owner", owner)}<AccessControlList>${grant}</AccessControlList>`,
  );
}
