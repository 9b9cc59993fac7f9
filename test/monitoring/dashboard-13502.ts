/**
 * What the panels of Grafana's dashboard 13502, which is MinIO's own, ask for: metrics, and the labels that they are summed or told apart by.
 * Left out is what there is nothing to measure for: KMS, versions, directories (docs/metrics.md).
 */
export const askedBy13502: Readonly<Record<string, readonly string[]>> = {
  minio_node_process_starttime_seconds: ["server"],
  minio_node_process_resident_memory_bytes: ["server"],
  minio_node_process_cpu_total_seconds: ["server"],
  minio_node_file_descriptor_open_total: ["server"],
  minio_node_go_routine_total: ["server"],
  minio_node_io_rchar_bytes: ["server"],
  minio_node_io_wchar_bytes: ["server"],
  minio_node_syscall_read_total: ["server"],
  minio_node_syscall_write_total: ["server"],
  minio_s3_traffic_received_bytes: ["server"],
  minio_s3_traffic_sent_bytes: ["server"],
  minio_s3_requests_total: ["server", "api"],
  minio_s3_requests_4xx_errors_total: ["server", "api"],
  minio_s3_requests_5xx_errors_total: ["server", "api"],
  minio_inter_node_traffic_sent_bytes: ["server"],
  minio_inter_node_traffic_received_bytes: ["server"],
  minio_cluster_capacity_usable_total_bytes: [],
  minio_cluster_capacity_usable_free_bytes: [],
  minio_cluster_usage_total_bytes: [],
  minio_cluster_usage_object_total: [],
  minio_cluster_bucket_total: [],
  minio_cluster_objects_size_distribution: ["range"],
  minio_cluster_health_status: [],
  minio_cluster_nodes_online_total: [],
  minio_cluster_drive_online_total: [],
  minio_cluster_drive_offline_total: [],
  minio_cluster_health_erasure_set_online_drives: ["pool", "set"],
  minio_cluster_health_erasure_set_read_quorum: ["pool", "set"],
  minio_cluster_health_erasure_set_write_quorum: ["pool", "set"],
  minio_cluster_health_erasure_set_healing_drives: ["pool", "set"],
  minio_cluster_health_erasure_set_status: ["pool", "set"],
  minio_usage_last_activity_nano_seconds: [],
  minio_node_scanner_objects_scanned: ["server"],
  minio_node_scanner_bucket_scans_started: ["server"],
  minio_node_scanner_bucket_scans_finished: ["server"],
};

/** It asks for this too, which is there once something was mended. */
export const askedBy13502Later = "minio_heal_time_last_activity_nano_seconds";

/** The paths of buckets and nodes beside it. */
export const askedOfBuckets: Readonly<Record<string, readonly string[]>> = {
  minio_bucket_usage_object_total: ["bucket"],
  minio_bucket_usage_total_bytes: ["bucket"],
  minio_bucket_requests_total: ["bucket", "api"],
  minio_bucket_requests_inflight_total: ["bucket", "api"],
  minio_bucket_requests_4xx_errors_total: ["bucket", "api"],
  minio_bucket_requests_5xx_errors_total: ["bucket", "api"],
  minio_bucket_requests_ttfb_seconds_distribution: ["bucket", "api", "le"],
  minio_bucket_traffic_sent_bytes: ["bucket"],
  minio_bucket_traffic_received_bytes: ["bucket"],
  minio_bucket_objects_size_distribution: ["bucket", "range"],
};
export const askedOfNodes: Readonly<Record<string, readonly string[]>> = {
  minio_node_drive_total: ["server"],
  minio_node_drive_online_total: ["server"],
  minio_node_drive_offline_total: ["server"],
  minio_node_drive_total_bytes: ["server", "drive"],
  minio_node_drive_used_bytes: ["server", "drive"],
  minio_node_drive_free_bytes: ["server", "drive"],
  minio_node_drive_free_inodes: ["server", "drive"],
  minio_node_drive_latency_us: ["server", "drive", "api"],
  minio_node_drive_errors_timeout: ["server", "drive"],
  minio_node_drive_errors_availability: ["server", "drive"],
  minio_node_drive_io_waiting: ["server", "drive"],
};
