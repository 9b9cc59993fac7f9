// The ports.
export type { ClusterLog } from "./ports/cluster-log.ts";
export type { Change, CommitLog, CommitResult, Compare, KeyRange, LogStatus } from "./ports/commit-log.ts";
export type {
  BucketUsage,
  Entry,
  Key,
  RangeEntry,
  View,
  ViewBatch,
  ViewPosition,
  ViewReaders,
  ViewWrite,
  WritableView,
} from "./ports/view.ts";
export { objectSizeBytes } from "./view/usage-ledger.ts";
export {
  keys,
  objectKeyBytesMax,
  objectKeyOfCurrent,
  partsOfUploadKey,
  ranges,
  successorOfPrefix,
  type Table,
} from "./key-space.ts";

// Their drivers.
export { createMemoryLog, type MemoryLog } from "./memory-log.ts";
export { createMemoryView } from "./view/memory-view.ts";
export { openLmdbView, type LmdbViewSettings } from "./view/lmdb-view.ts";
export { openSiblingView, type SiblingView, type SiblingViewSettings } from "./view/sibling-view.ts";
export { openGuardedView, type GuardedView, type GuardedViewSettings } from "./view/guarded-view.ts";
export { mayKeep, readGuard, writeGuard, type Guard, type GuardPlace, type GuardState } from "./view/guard-file.ts";

// Changes.
export type { Author, Seen } from "./transitions/transition.ts";
export {
  partNumberMax,
  partTableOf,
  readCompleted,
  readObject,
  readPart,
  readParts,
  readRepair,
  readUpload,
  repairIdOf,
  repairKeysOf,
} from "./transitions/read-records.ts";
export { readBucket } from "./transitions/read-bucket.ts";
export { readDeletable } from "./transitions/read-deletable.ts";
export { createBucket } from "./transitions/create-bucket.ts";
export { closeBucket, removeBucket, reopenBucket } from "./transitions/remove-bucket.ts";
export { putObject, type ObjectContent, type ObjectWrite } from "./transitions/put-object.ts";
export { deleteObject, deleteObjects, type ObjectDeletion } from "./transitions/delete-object.ts";
export { replaceBodies } from "./transitions/replace-bodies.ts";
export { setBucketTags, setTags, type Tags } from "./transitions/set-tags.ts";
export {
  abortUpload,
  createUpload,
  markUpload,
  putPart,
  unmarkUpload,
  type PartWrite,
  type UploadSeen,
} from "./transitions/uploads.ts";
export { completeUpload, partsDigest, type Completion } from "./transitions/complete-upload.ts";
export { addDrive, retireDrive, setLeaving } from "./transitions/change-drive.ts";
export { dropRepair, noteRepair } from "./transitions/repair.ts";
export {
  beginMove,
  dropSteps,
  endMove,
  putPlan,
  putSteps,
  readPlan,
  readSteps,
  setPlanState,
  type PlannedStep,
} from "./transitions/plans.ts";
export { readFeatureLevel, setFeatureLevel, type FeatureLevel } from "./transitions/feature-level.ts";
export { dropCompleted, dropGarbage } from "./transitions/drop-rows.ts";
export { bodiesOf, droppedBodies } from "./transitions/dropped-bodies.ts";

// Committing them.
export { commitUntilDecided, type Deciding, type Plan } from "./commit-until-decided.ts";
export { createKeyQueue, type KeyQueue } from "./key-queue.ts";

// Where data goes: what gateway and maintenance read of pools, groups and drives (test/cluster-map.test.ts).
export { declareDrive } from "./cluster-map/declare-drive.ts";
export { suspectDrive } from "./cluster-map/suspect-drive.ts";
export { readClusterMap, type ClusterMap } from "./cluster-map/cluster-map.ts";
export type { Group, MappedDrive, Pool, Standing } from "./cluster-map/map-rows.ts";

// The journal: the log of one machine.
export { openJournalLog, type JournalLog } from "./journal/journal-log.ts";
export type { JournalComponents, JournalPlan } from "./journal/journal-plan.ts";
export type { JournalPlace } from "./journal/journal-folder.ts";
export type { MemberCondition, MemberStatus } from "./journal/member.ts";
export type { LogWitness } from "./journal/recovery-decision.ts";
export { journalSettingsDefault, type JournalSettings } from "./journal/settings.ts";
export { UnknownOutcome } from "./unknown-outcome.ts";
export { failpointNames } from "./journal/failpoint-names.ts";
export { membersWanted as journalMembersWanted } from "./journal/rules.ts";

// etcd: the log of a cluster.
export { openEtcdLog, type EtcdComponents } from "./etcd/etcd-log.ts";
export type { LogIdentity } from "./etcd/log-identity.ts";
export type { EtcdReport } from "./etcd/member-watch.ts";
export { openNodeRegistry, type NodeRegistry } from "./etcd/node-registry.ts";
export type { NodeDrive, NodeRecord } from "./etcd/node-record.ts";
export type { ReportedMarks } from "./etcd/position-report.ts";
export type { LiveSession } from "./etcd/read-sessions.ts";
export { claimDigest } from "./etcd/claim-digest.ts";
export { claimLogIdentity } from "./etcd/claim-log-identity.ts";
export { readLogIdentity } from "./etcd/read-log-identity.ts";
export { examineEtcd, type EtcdExamination, type EtcdMemberFacts } from "./etcd/examine-etcd.ts";
export { restoreLog, type Restoration, type RestoringComponents } from "./etcd/restore-log.ts";
export { acceptLoss } from "./etcd/accept-loss.ts";
export type { EtcdClient } from "./etcd/etcd-client.ts";
export type { EtcdAccess } from "./etcd/etcd-members.ts";
export { etcdSettingsDefault, type EtcdSettings } from "./etcd/etcd-settings.ts";
export { isSoundVersion } from "./etcd/etcd-versions.ts";

// The archive: a cluster's log on the drives, and how it is read when etcd is lost.
export { openArchive, type Archive } from "./archive/archive.ts";
export type { ArchiveComponents, ArchivePlan, ArchiveSettings } from "./archive/archive-plan.ts";
export type { ArchiveMemberCondition, ArchiveMemberStatus } from "./archive/archive-member.ts";
export { nextArchiveEpoch } from "./archive/next-epoch.ts";
export { readArchive, type ArchiveReading, type DriveWitness } from "./archive/read-archive.ts";
export { ArchiveDamage } from "./archive/archive-damage.ts";
export { checkWitness, type Lineage } from "./archive/check-witness.ts";

// The log of another process of this server.
export { ForwardedLog, type ForwardedLogParts, type ToldOfLog } from "./forwarded/forwarded-log.ts";
export { LogService, type LogServiceParts } from "./forwarded/log-service.ts";
export type { MessageChannel } from "./ports/message-channel.ts";
