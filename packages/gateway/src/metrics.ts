import type { Counter, Histogram, Meter } from "@kakera/kernel";

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
