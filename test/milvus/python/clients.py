"""What milvus-storage does through Arrow's S3 filesystem, and the AWS SDK that it stands beside in Python programs of Milvus' users.

Prints one line for each step that came out as it must; the first that did not ends it with a traceback.
Usage: clients.py HOST:PORT [CA-FILE]; with the certificate of a CA over TLS, else without. Keys in ACCESS_KEY and SECRET_KEY.
"""

import io
import os
import random
import ssl
import sys
import urllib.request

import boto3
import pyarrow
import pyarrow.fs
import pyarrow.parquet
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
CA_FILE = sys.argv[2] if len(sys.argv) > 2 else None
SCHEME = "http" if CA_FILE is None else "https"
KEYS = {"access_key": os.environ["ACCESS_KEY"], "secret_key": os.environ["SECRET_KEY"]}
MIB = 1 << 20
BUCKET = "arrow-bucket"
RANDOM = random.Random(7)


def step(what):
    print(what, flush=True)


def open_filesystem(**options):
    trust = {} if CA_FILE is None else {"tls_ca_file_path": CA_FILE}
    return pyarrow.fs.S3FileSystem(
        endpoint_override=ENDPOINT,
        scheme=SCHEME,
        region="eu-west-3",
        allow_bucket_creation=True,
        **trust,
        **KEYS,
        **options,
    )


def names_below(filesystem, path, recursive):
    selector = pyarrow.fs.FileSelector(path, recursive=recursive)
    return sorted(info.path.removeprefix(path + "/") for info in filesystem.get_file_info(selector))


def streams(filesystem):
    filesystem.create_dir(f"{BUCKET}/files/insert_log/1", recursive=True)
    for size in [0, 1, 100_000, 5 * MIB, 25 * MIB + 1]:
        path, body = f"{BUCKET}/files/insert_log/1/{size}", RANDOM.randbytes(size)
        with filesystem.open_output_stream(path) as stream:
            stream.write(body)
        assert filesystem.get_file_info(path).size == size, path
        with filesystem.open_input_file(path) as file:
            assert file.read() == body, path
            for _ in range(20):
                offset = RANDOM.randrange(size + 1)
                assert file.read_at(min(70_000, size - offset), offset) == body[offset : offset + 70_000], (path, offset)
    step("arrow: streams of no byte to many parts, and reads here and there")


def folders(filesystem, root):
    filesystem.create_dir(f"{root}/a/b", recursive=True)
    for name in ["a/b/file", "a/b.file", "a/c/d/file"]:
        with filesystem.open_output_stream(f"{root}/{name}") as stream:
            stream.write(name.encode())
    assert names_below(filesystem, f"{root}/a", False) == ["b", "b.file", "c"]
    assert names_below(filesystem, root, True) == ["a", "a/b", "a/b.file", "a/b/file", "a/c", "a/c/d", "a/c/d/file"]
    filesystem.copy_file(f"{root}/a/b/file", f"{root}/a/b/copy")
    filesystem.move(f"{root}/a/b.file", f"{root}/moved")
    assert filesystem.open_input_file(f"{root}/moved").read() == b"a/b.file"
    filesystem.delete_file(f"{root}/a/c/d/file")
    assert filesystem.get_file_info(f"{root}/a/c/d").type == pyarrow.fs.FileType.Directory
    filesystem.delete_dir(f"{root}/a/c")
    assert filesystem.get_file_info(f"{root}/a/c").type == pyarrow.fs.FileType.NotFound
    filesystem.delete_dir_contents(f"{root}/a")
    assert names_below(filesystem, f"{root}/a", True) == []
    try:
        filesystem.open_input_file(f"{root}/never")
        raise AssertionError("what is not there was opened")
    except FileNotFoundError:
        pass
    step("arrow: folders made, listed, copied, moved and deleted, their markers left as it wants them")


def column_groups(filesystem):
    """A packed file: row groups of a MiB, ZSTD, read a few groups at a time."""
    rows, dimensions = 4000, 768
    vectors = pyarrow.FixedSizeListArray.from_arrays(
        pyarrow.array([RANDOM.random() for _ in range(dimensions)] * rows, pyarrow.float32()), dimensions
    )
    table = pyarrow.table({"pk": pyarrow.array(range(rows)), "vector": vectors})
    path = f"{BUCKET}/files/insert_log/1/2/3/101/4"
    with filesystem.open_output_stream(path) as stream:
        pyarrow.parquet.write_table(table, stream, row_group_size=340, compression="zstd", use_dictionary=False)
    with filesystem.open_input_file(path) as source:
        file = pyarrow.parquet.ParquetFile(source, pre_buffer=True)
        assert file.num_row_groups > 10
        groups = [3, 7, 8]
        read = file.read_row_groups(groups)
        assert read["pk"].to_pylist() == [row for group in groups for row in range(group * 340, (group + 1) * 340)]
        assert file.read().equals(table)
    step("arrow: a packed file, whole and by row groups")


def connect(**config):
    return boto3.client(
        "s3",
        endpoint_url=f"{SCHEME}://{ENDPOINT}",
        verify=CA_FILE,
        aws_access_key_id=KEYS["access_key"],
        aws_secret_access_key=KEYS["secret_key"],
        region_name="us-east-1",
        config=Config(signature_version="s3v4", retries={"max_attempts": 1}, **config),
    )


def sdk(client):
    client.create_bucket(Bucket="boto-bucket")
    for size in [0, 1, 300_000, 9 * MIB]:
        body = RANDOM.randbytes(size)
        put = client.put_object(Bucket="boto-bucket", Key=f"one/{size}", Body=body)
        assert put["ChecksumCRC32"]
        assert client.get_object(Bucket="boto-bucket", Key=f"one/{size}")["Body"].read() == body
    large = RANDOM.randbytes(40 * MIB)
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    client.upload_fileobj(io.BytesIO(large), "boto-bucket", "parts", Config=config)
    back = io.BytesIO()
    client.download_fileobj("boto-bucket", "parts", back, Config=config)
    assert back.getvalue() == large
    client.put_object(Bucket="boto-bucket", Key="lock", Body=b"mine", IfNoneMatch="*")
    try:
        client.put_object(Bucket="boto-bucket", Key="lock", Body=b"mine too", IfNoneMatch="*")
        raise AssertionError("two have the lock")
    except ClientError as refused:
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    url = client.generate_presigned_url("get_object", Params={"Bucket": "boto-bucket", "Key": "lock"})
    assert urllib.request.urlopen(url, context=ssl.create_default_context(cafile=CA_FILE)).read() == b"mine"
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="boto-bucket", PaginationConfig={"PageSize": 2})
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    assert keys == ["lock", *sorted(f"one/{size}" for size in [0, 1, 300_000, 9 * MIB]), "parts"]
    deleted = client.delete_objects(Bucket="boto-bucket", Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(deleted["Deleted"]) == len(keys)
    client.delete_bucket(Bucket="boto-bucket")


for delayed in [False, True]:
    # As Milvus 2.6 opens it, and as later ones do.
    arrow = open_filesystem(allow_delayed_open=delayed)
    streams(arrow)
    folders(arrow, f"{BUCKET}/folders-{delayed}")
column_groups(open_filesystem())
sdk(connect(s3={"addressing_style": "path"}))
step("boto3: objects, parts, conditions, presigned URLs, pages and deletions")
