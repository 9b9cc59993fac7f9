import type { Counter, Gauge, Histogram, Meter } from "@kakera/kernel";

/** All instruments of this package. */
export interface GatewayMetrics {
  /** Labels: operation (S3's name), code (HTTP status, or an S3 error code). */
  readonly requests: Counter;
  readonly duration: Histogram;
  /** Body bytes, in: received, out: sent. */
  readonly bytes: Counter;
}

const durationBucketsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createGatewayMetrics(meter: Meter): GatewayMetrics {
  return {
    requests: meter.counter({
      name: "kakera_s3_requests_total",
      help: "S3 requests answered, by operation and by status or error code",
      labels: ["operation", "code"],
    }),
    duration: meter.histogram({
      name: "kakera_s3_request_duration_seconds",
      help: "from the head of a request to the end of its answer",
      labels: ["operation"],
      buckets: durationBucketsSeconds,
    }),
    bytes: meter.counter({
      name: "kakera_s3_bytes_total",
      help: "bytes of request bodies received (in) and of answers sent (out)",
      labels: ["direction"],
    }),
  };
}

/** What is told of requests beyond S3 as a whole: how they are under way, and of which bucket and what kind of Milvus' files they are. */
export interface AccountMetrics {
  readonly inFlight: Gauge;
  readonly headSeconds: Histogram;
  /** Labels: bucket, operation, outcome. */
  readonly bucketRequests: Counter;
  readonly bucketInFlight: Gauge;
  readonly bucketHeadSeconds: Histogram;
  readonly bucketBytes: Counter;
  readonly milvusSeconds: Histogram;
  readonly milvusBytes: Counter;
}

/** For each bucket and operation: fewer. */
const headBucketsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createAccountMetrics(meter: Meter): AccountMetrics {
  return {
    inFlight: meter.gauge({
      name: "kakera_s3_requests_in_flight",
      help: "S3 requests that are not answered yet",
      labels: ["operation"],
    }),
    headSeconds: meter.histogram({
      name: "kakera_s3_time_to_first_byte_seconds",
      help: "from the head of a request to the head of its answer",
      labels: ["operation"],
      buckets: headBucketsSeconds,
    }),
    bucketRequests: meter.counter({
      name: "kakera_bucket_requests_total",
      help: "signed S3 requests for a bucket that exists, by how they ended: ok, client_error (4xx), server_error (5xx), canceled (the client left)",
      labels: ["bucket", "operation", "outcome"],
    }),
    bucketInFlight: meter.gauge({
      name: "kakera_bucket_requests_in_flight",
      help: "signed S3 requests for a bucket that are not answered yet",
      labels: ["bucket", "operation"],
    }),
    bucketHeadSeconds: meter.histogram({
      name: "kakera_bucket_time_to_first_byte_seconds",
      help: "from the head of a request for a bucket to the head of its answer",
      labels: ["bucket", "operation"],
      buckets: headBucketsSeconds,
    }),
    bucketBytes: meter.counter({
      name: "kakera_bucket_bytes_total",
      help: "bytes of bodies received (in) and sent (out) for a bucket",
      labels: ["bucket", "direction"],
    }),
    milvusSeconds: meter.histogram({
      name: "kakera_milvus_request_duration_seconds",
      help: "from the head of a request to the end of its answer, where the key has the form of one of Milvus' files",
      labels: ["kind", "operation"],
      buckets: durationBucketsSeconds,
    }),
    milvusBytes: meter.counter({
      name: "kakera_milvus_bytes_total",
      help: "bytes of bodies received (in) and sent (out) for keys that have the form of Milvus' files",
      labels: ["kind", "direction"],
    }),
  };
}
