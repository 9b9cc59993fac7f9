#!/usr/bin/env python3
"""Measures a Milvus over the object store that it is set up with: insert, index, cold and warm load, search, storage.

The store is whatever this Milvus has been given; run it once for each store, on the same machine, with the same flags, and compare the
two JSON files. Needs pymilvus and numpy, and a Milvus to talk to. For each step it prints one line, and all of them as JSON in the end.

What it can and cannot tell: a search of a loaded collection reads nothing from the store, unless Milvus is set up to load lazily; so
its latency says more about the number of segments when it was loaded than about the store (--settle waits for compaction and index).
Bytes on disk mean something only when garbage collection has run, or is hours away, for both.
"""

import argparse
import json
import os
import statistics
import sys
import time


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--uri", default="http://127.0.0.1:19530", help="of Milvus (default: %(default)s)")
    parser.add_argument("--collection", default="load_bench", help="made anew, and dropped at the end (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="vectors to insert (default: %(default)s)")
    parser.add_argument("--dimensions", type=int, default=768, help="of a vector (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=5000, help="rows of one insert (default: %(default)s)")
    parser.add_argument("--m", type=int, default=16, help="of HNSW (default: %(default)s)")
    parser.add_argument("--ef-construction", type=int, default=200, help="of HNSW (default: %(default)s)")
    parser.add_argument("--ef", type=int, default=64, help="of a search (default: %(default)s)")
    parser.add_argument("--top-k", type=int, default=10, help="of a search (default: %(default)s)")
    parser.add_argument("--searches", type=int, default=1000, help="one after the other (default: %(default)s)")
    parser.add_argument("--settle", type=float, default=60, metavar="SECONDS", help="without a change of segments, before the cold load")
    parser.add_argument("--timeout", type=float, default=7200, metavar="SECONDS", help="of each step (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of the vectors (default: %(default)s)")
    parser.add_argument("--data-dir", action="append", default=[], metavar="DIR", help="of the store, repeatable: its bytes on disk")
    parser.add_argument("--label", default="", help="of the store, for the JSON")
    parser.add_argument("--json", metavar="FILE", help="all figures")
    parser.add_argument("--keep", action="store_true", help="leave the collection")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    try:
        import numpy
        from pymilvus import DataType, MilvusClient
    except ImportError as missing:
        sys.exit(f"load_bench: {missing}. Try: pip install pymilvus numpy")
    client = MilvusClient(uri=arguments.uri, token=os.environ.get("MILVUS_TOKEN", ""))
    bench = Bench(client, DataType, numpy, arguments)
    figures = {"label": arguments.label, "arguments": {k: v for k, v in vars(arguments).items() if k != "label"}}
    for name, measure in [
        ("insert", bench.insert),
        ("index", bench.index),
        ("cold_load", bench.load),
        ("warm_load", bench.load_again),
        ("search", bench.search),
        ("storage", bench.storage),
    ]:
        figures[name] = measure()
        print(f"{name:10} " + ", ".join(f"{k} {v:,.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in figures[name].items()), flush=True)
    if not arguments.keep:
        client.drop_collection(arguments.collection)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf8") as file:
            json.dump(figures, file, indent=2)


class Bench:
    def __init__(self, client, data_type, numpy, arguments):
        self.client = client
        self.data_type = data_type
        self.numpy = numpy
        self.arguments = arguments
        self.name = arguments.collection

    def insert(self):
        client, arguments = self.client, self.arguments
        if client.has_collection(self.name):
            client.drop_collection(self.name)
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("pk", self.data_type.INT64, is_primary=True)
        schema.add_field("vector", self.data_type.FLOAT_VECTOR, dim=arguments.dimensions)
        client.create_collection(self.name, schema=schema, num_shards=1)
        random = self.numpy.random.default_rng(arguments.seed)
        spent = 0.0
        for first in range(0, arguments.rows, arguments.batch):
            count = min(arguments.batch, arguments.rows - first)
            vectors = random.random((count, arguments.dimensions), dtype=self.numpy.float32)
            rows = [{"pk": first + i, "vector": vectors[i]} for i in range(count)]
            started = time.perf_counter()
            client.insert(self.name, rows, timeout=arguments.timeout)
            spent += time.perf_counter() - started
        started = time.perf_counter()
        client.flush(self.name, timeout=arguments.timeout)
        return {"seconds": spent, "rows_per_second": arguments.rows / spent, "flush_seconds": time.perf_counter() - started}

    def index(self):
        client, arguments = self.client, self.arguments
        params = client.prepare_index_params()
        build = {"M": arguments.m, "efConstruction": arguments.ef_construction}
        params.add_index("vector", index_type="HNSW", metric_type="L2", params=build)
        started = time.perf_counter()
        client.create_index(self.name, params, timeout=arguments.timeout)
        self.wait("the index", self.is_indexed)
        seconds = time.perf_counter() - started
        segments = self.settle()
        return {"seconds": seconds, "seconds_until_settled": time.perf_counter() - started - self.arguments.settle, "segments": segments}

    def load(self):
        """Into a query node that has none of it. What the machine caches of the store's files is not dropped: that takes root."""
        self.client.release_collection(self.name)
        return self.load_again()

    def load_again(self):
        started = time.perf_counter()
        self.client.load_collection(self.name, timeout=self.arguments.timeout)
        return {"seconds": time.perf_counter() - started}

    def search(self):
        arguments = self.arguments
        random = self.numpy.random.default_rng(arguments.seed + 1)
        params = {"metric_type": "L2", "params": {"ef": arguments.ef}}
        latencies = []
        for _ in range(arguments.searches):
            vector = random.random(arguments.dimensions, dtype=self.numpy.float32)
            started = time.perf_counter()
            found = self.client.search(self.name, [vector], anns_field="vector", limit=arguments.top_k, search_params=params)
            latencies.append((time.perf_counter() - started) * 1000)
            if len(found[0]) != min(arguments.top_k, arguments.rows):
                sys.exit(f"load_bench: a search found {len(found[0])} rows, not {arguments.top_k}: this run is void")
        latencies.sort()
        return {
            "mean_ms": statistics.fmean(latencies),
            "p50_ms": latencies[len(latencies) // 2],
            "p99_ms": latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)],
        }

    def storage(self):
        """Absent without --data-dir."""
        directories = self.arguments.data_dir
        return {"gigabytes": sum(map(bytes_below, directories)) / 1e9} if directories else {}

    def is_indexed(self):
        state = self.client.describe_index(self.name, index_name="vector")
        return state.get("pending_index_rows", 0) == 0 and state.get("indexed_rows", 0) >= self.arguments.rows

    def settle(self):
        """Until compaction and the indexes of what it made have not changed for a while; gives the number of segments."""
        segments, since = self.segments(), time.monotonic()
        deadline = since + self.arguments.timeout
        while time.monotonic() - since < self.arguments.settle:
            if time.monotonic() > deadline:
                sys.exit("load_bench: the segments keep changing. Try: a larger --timeout")
            time.sleep(1)
            now = self.segments()
            if now != segments or not self.is_indexed():
                segments, since = now, time.monotonic()
        return len(segments)

    def segments(self):
        return sorted((info.segment_id, info.num_rows) for info in self.client.list_persistent_segments(self.name))

    def wait(self, what, is_done):
        deadline = time.monotonic() + self.arguments.timeout
        while not is_done():
            if time.monotonic() > deadline:
                sys.exit(f"load_bench: waited {self.arguments.timeout:g} s for {what}. Try: a larger --timeout")
            time.sleep(0.5)


def bytes_below(directory):
    total = 0
    for folder, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total


if __name__ == "__main__":
    main()
