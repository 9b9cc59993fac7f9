/** As grpc-js rejects: a status code and etcd's message. https://grpc.io/docs/guides/status-codes/ */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const deadlineExceeded = (): EtcdError => new EtcdError(4, "Deadline exceeded");
export const unavailable = (why: string): EtcdError => new EtcdError(14, why);
export const invalid = (why: string): EtcdError => new EtcdError(3, `etcdserver: ${why}`);
export const outOfRange = (why: string): EtcdError => new EtcdError(11, `etcdserver: ${why}`);
export const notFound = (why: string): EtcdError => new EtcdError(5, `etcdserver: ${why}`);
