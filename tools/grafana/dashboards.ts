import { line, number, table, type Dashboard } from "./panels.ts";

/** The nodes that are looked at: a job (a cluster), and of it all or some. */
const of = '{job=~"$job",instance=~"$instance"}';
const and = (more: string): string => `{job=~"$job",instance=~"$instance",${more}}`;
/** Of a cluster as a whole: every node tells it, and the highest is taken. */
const once = (name: string, more = ""): string =>
  `max without (instance, pod) (${name}${more === "" ? of : and(more)})`;
const rate = (name: string, more = ""): string => `rate(${name}${more === "" ? of : and(more)}[$__rate_interval])`;
const quantile = (share: number, name: string, by: string, more = ""): string =>
  `histogram_quantile(${share}, sum by (${by}, le) (${rate(`${name}_bucket`, more)}))`;

export const dashboards: readonly Dashboard[] = [
  {
    uid: "kakera-overview",
    title: "Kakera / Overview",
    description: "How it is, and what is asked of it.",
    panels: [
      number("Conditions", "What `kakera status` shows; the runbook pages have the same names.", "short", [
        [`max by (reason) (kakera_condition${of}) > 0`, "{{reason}}"],
      ]),
      number("Nodes", "Nodes with drives, by whether they answer.", "short", [[once("kakera_nodes"), "{{state}}"]]),
      number("Objects", "Current objects in all buckets.", "short", [
        [`sum without (bucket) (${once("kakera_bucket_objects")})`, "objects"],
      ]),
      number("Bytes of objects", "Without parity.", "bytes", [
        [`sum without (bucket) (${once("kakera_bucket_usage_bytes")})`, "bytes"],
      ]),
      line("Requests", "S3 requests by operation; health checks and scrapes are left out.", "reqps", [
        [
          `sum by (operation) (${rate("kakera_s3_requests_total", 'operation!~"Health|Metrics|Admin"')})`,
          "{{operation}}",
        ],
      ]),
      line("Requests that were not answered as asked", "By code: an HTTP status, or S3's name of the error.", "reqps", [
        [
          `sum by (code) (${rate("kakera_s3_requests_total", 'operation!~"Health|Metrics|Admin",code!~"2..|304"')}) > 0`,
          "{{code}}",
        ],
      ]),
      line("Bytes of bodies", "Received from clients, and sent to them.", "Bps", [
        [`sum by (direction) (${rate("kakera_s3_bytes_total")})`, "{{direction}}"],
      ]),
      line("Time of requests", "From the head of a request to the end of its answer.", "s", [
        [quantile(0.5, "kakera_s3_request_duration_seconds", "job", 'operation!~"Health|Metrics|Admin"'), "median"],
        [
          quantile(0.99, "kakera_s3_request_duration_seconds", "job", 'operation!~"Health|Metrics|Admin"'),
          "99th percentile",
        ],
      ]),
      line(
        "Time of a commit",
        "From the offer of a change to its answer: etcd in a cluster, the journal on one machine.",
        "s",
        [
          [quantile(0.5, "kakera_log_commit_duration_seconds", "instance"), "{{instance}} median"],
          [quantile(0.99, "kakera_log_commit_duration_seconds", "instance"), "{{instance}} 99th percentile"],
        ],
      ),
      line("Changes behind the log", "A node's requests wait for what it is behind.", "short", [
        [`kakera_view_lag_revisions${of}`, "{{instance}}"],
      ]),
      line("Processor", "Cores that the process uses.", "short", [[rate("process_cpu_seconds_total"), "{{instance}}"]]),
      line("Memory", "Resident.", "bytes", [[`process_resident_memory_bytes${of}`, "{{instance}}"]]),
      line("Event loop lag", "How long a process keeps its callers waiting, 99th percentile.", "s", [
        [`kakera_event_loop_lag_seconds${of}`, "{{instance}}"],
      ]),
      line("Bytes between nodes", "Calls and their answers, as each node counts them.", "Bps", [
        [rate("kakera_node_bytes_total"), "{{instance}} {{direction}}"],
      ]),
    ],
  },
  {
    uid: "kakera-drives",
    title: "Kakera / Drives and repair",
    description: "Where the shards are, how many are missing, and what mends them.",
    panels: [
      table(
        "Drives that are not online",
        "State of each drive, as its own node tells; drives of a node that is down are not here.",
        "short",
        [[`kakera_drive_state${and('state!="online"')} == 1`, "{{instance}} {{drive}} {{state}}"]],
      ),
      number("Chunks short of shards", "As the last count of all chunks found them.", "short", [
        [`sum without (missing) (${once("kakera_census_chunks", 'missing!="0"')})`, "short"],
        [once("kakera_census_lost_chunks"), "lost"],
      ]),
      number("Last count", "When it ended; it proves every chunk at once.", "dateTimeFromNow", [
        [`${once("kakera_census_proof_timestamp_seconds")} * 1000`, "count"],
        [`${once("kakera_scrub_proof_timestamp_seconds")} * 1000`, "scrub"],
      ]),
      number("Waiting for repair", "Chunks and records.", "short", [[once("kakera_repair_waiting_chunks"), "waiting"]]),
      line("Chunks by missing shards", "0 is left out.", "short", [
        [once("kakera_census_chunks", 'missing!="0"'), "{{missing}} missing"],
      ]),
      line(
        "Placement groups by what they bear",
        "Homes that answer beyond those that a read needs; below 0 the group cannot be read at its homes.",
        "short",
        [[once("kakera_pool_groups"), "pool {{pool}}, {{spare}} to spare"]],
      ),
      line("Repair and moves", "Bytes of shards made anew, and copied to new homes.", "Bps", [
        [`sum without (instance, pod) (${rate("kakera_repair_bytes_total")})`, "made anew"],
        [`sum without (instance, pod) (${rate("kakera_moved_bytes_total")})`, "moved"],
        [`sum without (instance, pod) (${rate("kakera_scrub_bytes_total")})`, "scrubbed"],
      ]),
      line("Plan", "Placement groups of the plan that is carried out, or was last.", "short", [
        [once("kakera_plan_groups"), "{{state}}"],
      ]),
      line("Room", "Part of each drive that is used.", "percentunit", [
        [`1 - kakera_drive_free_bytes${of} / kakera_drive_total_bytes${of}`, "{{instance}} {{drive}}"],
      ]),
      line("Garbage on drives", "Bytes of removed shards that compaction has not given back.", "bytes", [
        [`kakera_drive_garbage_bytes${of}`, "{{instance}} {{drive}}"],
      ]),
      line("Time of a synchronous write", "99th percentile, by drive.", "s", [
        [quantile(0.99, "kakera_drive_fdatasync_duration_seconds", "instance, drive"), "{{instance}} {{drive}}"],
      ]),
      line("Bytes written and read", "Shards and headers written, payload read.", "Bps", [
        [`sum by (instance, drive) (${rate("kakera_drive_written_bytes_total")})`, "{{instance}} {{drive}} written"],
        [`sum by (instance, drive) (${rate("kakera_drive_read_bytes_total")})`, "{{instance}} {{drive}} read"],
      ]),
      line("Disk calls that failed", "By drive and kind.", "ops", [
        [`${rate("kakera_drive_call_errors_total")} > 0`, "{{instance}} {{drive}} {{kind}}"],
      ]),
      line("Damaged shards found", "By readers and by the scrub, and headers that did not match.", "ops", [
        [`sum without (instance, pod) (${rate("kakera_damaged_shards_total")})`, "shards"],
        [`sum by (drive) (${rate("kakera_drive_bitrot_found_total")}) > 0`, "{{drive}}"],
      ]),
    ],
  },
  {
    uid: "kakera-s3",
    title: "Kakera / S3",
    description:
      "What clients ask, bucket by bucket. Of buckets it shows the first 200 that were asked for since the start of each process.",
    panels: [
      line("Requests by operation", "Answered.", "reqps", [
        [
          `sum by (operation) (${rate("kakera_s3_requests_total", 'operation!~"Health|Metrics|Admin"')})`,
          "{{operation}}",
        ],
      ]),
      line("Requests under way", "Not answered yet.", "short", [
        [`sum by (operation) (kakera_s3_requests_in_flight${of}) > 0`, "{{operation}}"],
      ]),
      line("Time to the first byte", "99th percentile, by operation.", "s", [
        [quantile(0.99, "kakera_s3_time_to_first_byte_seconds", "operation"), "{{operation}}"],
      ]),
      line("Time of requests", "99th percentile, by operation, with the body.", "s", [
        [
          quantile(0.99, "kakera_s3_request_duration_seconds", "operation", 'operation!~"Health|Metrics|Admin"'),
          "{{operation}}",
        ],
      ]),
      line("Requests by bucket", "Signed ones.", "reqps", [
        [`sum by (bucket) (${rate("kakera_bucket_requests_total")})`, "{{bucket}}"],
      ]),
      line("Failures by bucket", "The client's, ours, and clients that left.", "reqps", [
        [
          `sum by (bucket, outcome) (${rate("kakera_bucket_requests_total", 'outcome!="ok"')}) > 0`,
          "{{bucket}} {{outcome}}",
        ],
      ]),
      line("Bytes by bucket", "Bodies received and sent.", "Bps", [
        [`sum by (bucket, direction) (${rate("kakera_bucket_bytes_total")})`, "{{bucket}} {{direction}}"],
      ]),
      line("Time to the first byte by bucket", "99th percentile.", "s", [
        [quantile(0.99, "kakera_bucket_time_to_first_byte_seconds", "bucket"), "{{bucket}}"],
      ]),
      line("Bytes in buckets", "Current objects, without parity.", "bytes", [
        [once("kakera_bucket_usage_bytes"), "{{bucket}}"],
      ]),
      line("Objects in buckets", "Current objects.", "short", [[once("kakera_bucket_objects"), "{{bucket}}"]]),
      line(
        "Objects by size",
        "As the last walk over all objects found them: some minutes old in a large store.",
        "short",
        [[`sum without (bucket) (${once("kakera_bucket_objects_by_size")})`, "{{range}}"]],
      ),
      line(
        "Reads that were hedged, writes without a spare",
        "Reads made again as one was slow; chunks whose next loss would lose them.",
        "ops",
        [
          [`sum by (job) (${rate("kakera_hedged_reads_total")})`, "hedged reads"],
          [`sum by (job) (${rate("kakera_writes_without_spare_total")})`, "writes without a spare"],
        ],
      ),
    ],
  },
  {
    uid: "kakera-milvus",
    title: "Kakera / Milvus",
    description:
      "What Milvus stores and asks for, told by the form of its keys: ROOT/insert_log/COLLECTION/..., ROOT/index_files/BUILD/..., ROOT/wp/LOG/.... A key of the same form that is not Milvus' counts as well; listings, which have no key, do not.",
    panels: [
      line("Bytes by kind", "Bodies received and sent.", "Bps", [
        [`sum by (kind, direction) (${rate("kakera_milvus_bytes_total")})`, "{{kind}} {{direction}}"],
      ]),
      line("Requests by kind", "Of keys; listings are not among them.", "reqps", [
        [
          `sum by (kind, operation) (${rate("kakera_milvus_request_duration_seconds_count")})`,
          "{{kind}} {{operation}}",
        ],
      ]),
      line(
        "Time of reads by kind",
        "Median and 99th percentile of GetObject: index files decide how long a load takes.",
        "s",
        [
          [quantile(0.5, "kakera_milvus_request_duration_seconds", "kind", 'operation="GetObject"'), "{{kind}} median"],
          [
            quantile(0.99, "kakera_milvus_request_duration_seconds", "kind", 'operation="GetObject"'),
            "{{kind}} 99th percentile",
          ],
        ],
      ),
      line(
        "Time of writes by kind",
        "99th percentile of PutObject and UploadPart: wp is woodpecker's log, which inserts wait for.",
        "s",
        [
          [
            quantile(
              0.99,
              "kakera_milvus_request_duration_seconds",
              "kind, operation",
              'operation=~"PutObject|UploadPart"',
            ),
            "{{kind}} {{operation}}",
          ],
        ],
      ),
      line("Bytes stored by kind", "By the last walk over all objects: some minutes old in a large store.", "bytes", [
        [`sum without (collection, bucket) (${once("kakera_milvus_stored_bytes")})`, "{{kind}}"],
      ]),
      table(
        "Bytes stored by collection",
        "Insert, delta and statistics logs, by the number that Milvus gives a collection. The 50 largest for each kind and collection; the rest together as others. Index files and woodpecker's logs name none.",
        "bytes",
        [[`sum without (kind) (${once("kakera_milvus_stored_bytes", 'collection!=""')})`, "{{bucket}} {{collection}}"]],
      ),
      line("Objects stored by kind", "Many small ones show that compaction is behind.", "short", [
        [`sum without (collection, bucket) (${once("kakera_milvus_stored_objects")})`, "{{kind}}"],
      ]),
    ],
  },
];
