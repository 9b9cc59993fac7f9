/** Another node of the cluster, to be asked what it tells of itself (packages/rpc/src/node-reports.ts). */
export interface Peer {
  readonly nodeId: string;
  /** For people. */
  readonly host: string;
  /** As NodeClient's. */
  report(name: string, question: unknown, deadlineMs: number): Promise<unknown>;
}
