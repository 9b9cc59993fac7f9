/** Asks for a report; both are what JSON can say. `signal`: aborted when nobody waits for it any more. Rejects as calls do. */
export type NodeReport = (question: unknown, signal: AbortSignal) => Promise<unknown>;

/** What a node tells of itself beside its drives, by name. The caller's program may be of another version: it looks at what it gets. */
export type NodeReports = ReadonlyMap<string, NodeReport>;
