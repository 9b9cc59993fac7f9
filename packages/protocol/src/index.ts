import "./numbers.ts";
import { kakera } from "./generated/messages.js";

/** The generated message classes: `records.ObjectRecord.encode(properties).finish()`, `records.ObjectRecord.decode(bytes)`. */
export const records = kakera.records;
/** The journal's own messages: what a batch and a checkpoint hold. */
export const journal = kakera.journal;
/** What nodes say to each other. */
export const calls = kakera.calls;
/** What the processes of one server say to each other. */
export const processes = kakera.processes;

// Decoded messages: every field is present; an absent message field is null, an absent number 0, absent bytes empty.
export type BodyPlace = kakera.records.BodyPlace;
export type BucketRecord = kakera.records.BucketRecord;
export type ClusterRecord = kakera.records.ClusterRecord;
export type CompletedRecord = kakera.records.CompletedRecord;
export type Digest = kakera.records.Digest;
export type DriveRecord = kakera.records.DriveRecord;
export type GarbageRecord = kakera.records.GarbageRecord;
export type GroupRecord = kakera.records.GroupRecord;
export type LayoutPiece = kakera.records.LayoutPiece;
export type ObjectRecord = kakera.records.ObjectRecord;
export type PartEntry = kakera.records.PartEntry;
export type PartRecord = kakera.records.PartRecord;
export type PlanRecord = kakera.records.PlanRecord;
export type PoolRecord = kakera.records.PoolRecord;
export type RepairRecord = kakera.records.RepairRecord;
export type SystemHeaders = kakera.records.SystemHeaders;
export type TailRecord = kakera.records.TailRecord;
export type UploadRecord = kakera.records.UploadRecord;

export type ChangeBatch = kakera.journal.ChangeBatch;
export type CheckpointHead = kakera.journal.CheckpointHead;
export type CheckpointPosition = kakera.journal.CheckpointPosition;
export type CheckpointTail = kakera.journal.CheckpointTail;
export type TermOpening = kakera.journal.TermOpening;

// What an encoder takes: fields may be left out.
export type BodyPlaceInput = kakera.records.BodyPlace.$Properties;
export type BucketRecordInput = kakera.records.BucketRecord.$Properties;
export type ClusterRecordInput = kakera.records.ClusterRecord.$Properties;
export type CompletedRecordInput = kakera.records.CompletedRecord.$Properties;
export type DigestInput = kakera.records.Digest.$Properties;
export type DriveRecordInput = kakera.records.DriveRecord.$Properties;
export type GarbageRecordInput = kakera.records.GarbageRecord.$Properties;
export type GroupRecordInput = kakera.records.GroupRecord.$Properties;
export type ObjectRecordInput = kakera.records.ObjectRecord.$Properties;
export type PartEntryInput = kakera.records.PartEntry.$Properties;
export type PartRecordInput = kakera.records.PartRecord.$Properties;
export type PlanRecordInput = kakera.records.PlanRecord.$Properties;
export type PoolRecordInput = kakera.records.PoolRecord.$Properties;
export type RepairRecordInput = kakera.records.RepairRecord.$Properties;
export type UploadRecordInput = kakera.records.UploadRecord.$Properties;

export type ForwardedFailure = kakera.processes.ForwardedFailure;
export type ForwardedFailureInput = kakera.processes.ForwardedFailure.$Properties;
export type ForwardedRangeInput = kakera.processes.ForwardedRange.$Properties;
export type LogAnswer = kakera.processes.LogAnswer;
export type LogAnswerInput = kakera.processes.LogAnswer.$Properties;
export type LogCall = kakera.processes.LogCall;
export type DescriptionMessage = kakera.calls.ShardDescription;
export type FailureMessage = kakera.calls.Failure;
export type IdentityMessage = kakera.calls.ShardIdentity;
export type RefMessage = kakera.calls.ShardRef;
export type StatusMessage = kakera.calls.DriveStatus;

export type DescriptionInput = kakera.calls.ShardDescription.$Properties;
export type FailureInput = kakera.calls.Failure.$Properties;
export type IdentityInput = kakera.calls.ShardIdentity.$Properties;
export type RefInput = kakera.calls.ShardRef.$Properties;
export type StatusInput = kakera.calls.DriveStatus.$Properties;
