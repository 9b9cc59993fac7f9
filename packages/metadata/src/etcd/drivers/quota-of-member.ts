import type { CallOptions, Client, Metadata } from "@grpc/grpc-js";
import type { Etcd3 } from "etcd3";

const path = "/etcdserverpb.Maintenance/Status";
/** etcd 3.6, api/etcdserverpb/rpc.proto: `int64 dbSizeQuota = 12` of StatusResponse. */
const quotaField = 12;

/**
 * The quota that a member says it has; null where it says none (before 3.6). The library's copy of the .proto is older than the field: the
 * answer of the same call is read here by hand. Rejects with what the call did.
 */
export async function quotaOfMember(client: Etcd3, options: CallOptions): Promise<number | null> {
  const { pool } = client as unknown as { pool: Pool };
  return pool.withConnection("Maintenance", ({ client: service, metadata }) => {
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    service.makeUnaryRequest(
      path,
      () => Buffer.alloc(0),
      // To grpc-js, null is no answer at all.
      (bytes) => ({ quota: decodeQuota(bytes) }),
      undefined,
      metadata,
      options,
      (failure, status) => (failure === null ? resolve(status?.quota ?? null) : reject(failure)),
    );
    return promise;
  });
}

interface Pool {
  withConnection<T>(
    service: string,
    call: (connection: { client: Client; metadata: Metadata }) => Promise<T>,
  ): Promise<T>;
}

/** Of a StatusResponse in protobuf's encoding; null when the field is not there. */
export function decodeQuota(bytes: Buffer): number | null {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new Error("a status that cannot be read");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  };
  while (at < bytes.byteLength) {
    const tag = Number(varint());
    const isQuota = tag >> 3 === quotaField;
    switch (tag & 7) {
      case 0: {
        const value = Number(varint());
        if (isQuota) return value;
        break;
      }
      case 1:
        at += 8;
        break;
      case 2: {
        const sizeBytes = Number(varint());
        at += sizeBytes;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new Error("a status that cannot be read");
    }
  }
  return null;
}
