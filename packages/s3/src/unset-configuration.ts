import { S3Error } from "./errors/s3-error.ts";
import { accessControlPolicyXml, documentXml, type Owner } from "./xml/document.ts";

/** Codes of configurations that are not there: their only detail is the bucket's name. */
type AbsentCode =
  | "NoSuchBucketPolicy"
  | "NoSuchCORSConfiguration"
  | "NoSuchLifecycleConfiguration"
  | "NoSuchWebsiteConfiguration"
  | "ServerSideEncryptionConfigurationNotFoundError"
  | "ReplicationConfigurationNotFoundError"
  | "ObjectLockConfigurationNotFoundError"
  | "NoSuchPublicAccessBlockConfiguration"
  | "OwnershipControlsNotFoundError";

type UnsetAnswer =
  /** 200 with an element that says "nothing"; `root`, and what stands in it. */
  | { readonly kind: "empty"; readonly root: string; readonly content?: string }
  /** As `empty`, but asked for by id: NoSuchConfiguration. */
  | { readonly kind: "emptyList"; readonly root: string }
  | { readonly kind: "acl" }
  | { readonly kind: "absent"; readonly code: AbsentCode }
  /** Object Lock is not on: retention and legal hold do not apply. */
  | { readonly kind: "noObjectLock" };

interface UnsetConfiguration {
  readonly answer: UnsetAnswer;
  /** Whether AWS has a DELETE of it: then ours is 204, as there is nothing to delete. Else 405. */
  readonly isDeletable: boolean;
}

const absent = (code: AbsentCode, deletable: "deletable" | "fixed"): UnsetConfiguration => ({
  answer: { kind: "absent", code },
  isDeletable: deletable === "deletable",
});
const empty = (root: string, content = ""): UnsetConfiguration => ({
  answer: { kind: "empty", root, content },
  isDeletable: false,
});
const emptyList = (root: string): UnsetConfiguration => ({ answer: { kind: "emptyList", root }, isDeletable: true });

/** Sub-resources of a bucket that nobody can set here. AWS's answer is "absent", and Terraform, s3cmd and mc rely on it. */
export const unsetBucketConfigurations = {
  versioning: empty("VersioningConfiguration"),
  logging: empty("BucketLoggingStatus"),
  notification: empty("NotificationConfiguration"),
  accelerate: empty("AccelerateConfiguration"),
  requestPayment: empty("RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>"),
  acl: { answer: { kind: "acl" }, isDeletable: false },
  inventory: emptyList("ListInventoryConfigurationsResult"),
  metrics: emptyList("ListMetricsConfigurationsResult"),
  analytics: emptyList("ListBucketAnalyticsConfigurationResult"),
  "intelligent-tiering": emptyList("ListBucketIntelligentTieringConfigurationsOutput"),
  policy: absent("NoSuchBucketPolicy", "deletable"),
  policyStatus: absent("NoSuchBucketPolicy", "fixed"),
  cors: absent("NoSuchCORSConfiguration", "deletable"),
  lifecycle: absent("NoSuchLifecycleConfiguration", "deletable"),
  website: absent("NoSuchWebsiteConfiguration", "deletable"),
  encryption: absent("ServerSideEncryptionConfigurationNotFoundError", "deletable"),
  replication: absent("ReplicationConfigurationNotFoundError", "deletable"),
  "object-lock": absent("ObjectLockConfigurationNotFoundError", "fixed"),
  publicAccessBlock: absent("NoSuchPublicAccessBlockConfiguration", "deletable"),
  ownershipControls: absent("OwnershipControlsNotFoundError", "deletable"),
} as const satisfies Readonly<Record<string, UnsetConfiguration>>;

/** The same for objects. */
export const unsetObjectConfigurations = {
  acl: { answer: { kind: "acl" }, isDeletable: false },
  retention: { answer: { kind: "noObjectLock" }, isDeletable: false },
  "legal-hold": { answer: { kind: "noObjectLock" }, isDeletable: false },
} as const satisfies Readonly<Record<string, UnsetConfiguration>>;

export type UnsetBucketConfiguration = keyof typeof unsetBucketConfigurations;
export type UnsetObjectConfiguration = keyof typeof unsetObjectConfigurations;

export interface UnsetConfigurationQuestion {
  readonly bucket: string;
  readonly owner: Owner;
  /** `?inventory&id=...`: null asks for the list. */
  readonly id: string | null;
}

/** The 200 body of a bucket's configuration that is not set; throws the error that stands for "absent". */
export function renderUnsetBucketConfiguration(
  name: UnsetBucketConfiguration,
  question: UnsetConfigurationQuestion,
): string {
  return render(unsetBucketConfigurations[name].answer, question);
}

/** As {@link renderUnsetBucketConfiguration}, for an object that exists. */
export function renderUnsetObjectConfiguration(
  name: UnsetObjectConfiguration,
  question: UnsetConfigurationQuestion,
): string {
  return render(unsetObjectConfigurations[name].answer, question);
}

function render(answer: UnsetAnswer, question: UnsetConfigurationQuestion): string {
  switch (answer.kind) {
    case "empty":
      return documentXml(answer.root, answer.content ?? "");
    case "emptyList":
      if (question.id !== null) throw absentError("NoSuchConfiguration", question);
      return documentXml(answer.root, "<IsTruncated>false</IsTruncated>");
    case "acl":
      return accessControlPolicyXml(question.owner);
    case "absent":
      throw absentError(answer.code, question);
    case "noObjectLock":
      throw new S3Error("InvalidRequest", {}, "Bucket is missing Object Lock Configuration");
  }
}

function absentError(code: AbsentCode | "NoSuchConfiguration", question: UnsetConfigurationQuestion): S3Error {
  return new S3Error<AbsentCode | "NoSuchConfiguration">(code, { BucketName: question.bucket });
}
