/** Tells traces of calls between nodes, where a request is traced that waits for one. */
export interface CallTracer {
  /** Makes a call; `work` gets the traceparent header that the other node is told, or null. */
  calling<T>(call: string, work: (traceparent: string | null) => Promise<T>): Promise<T>;
  /** Answers one that came with this header. */
  answering<T>(call: string, traceparent: string, work: () => Promise<T>): Promise<T>;
}
