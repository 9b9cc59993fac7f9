// What Milvus, woodpecker and milvus-backup ask of an object store, through the library that they ask it with. Prints one line for each
// step that came out as they need it; the first that did not ends it with 1.
// Usage: minio-go URL [URL], the second of another gateway of the same store; keys in ACCESS_KEY and SECRET_KEY, and with https the
// certificates of those who are trusted in SSL_CERT_FILE.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const bucket = "go-bucket"

var ctx = context.Background()

func main() {
	var clients []*minio.Client
	for _, url := range os.Args[1:] {
		scheme, endpoint, _ := strings.Cut(url, "://")
		client, err := minio.New(endpoint, &minio.Options{
			Secure:       scheme == "https",
			BucketLookup: minio.BucketLookupAuto,
			Creds:        credentials.NewStaticV4(os.Getenv("ACCESS_KEY"), os.Getenv("SECRET_KEY"), ""),
		})
		must("connect", err)
		clients = append(clients, client)
	}
	first, last := clients[0], clients[len(clients)-1]
	start(first)
	chunks(first, last)
	imports(first)
	listings(first, last)
	conditions(first, last)
	races(clients)
	backup(first)
	removals(first, last)
}

func start(client *minio.Client) {
	exists, err := client.BucketExists(ctx, bucket)
	must("look for the bucket", err)
	demand(!exists, "the bucket is there already")
	must("make the bucket", client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}))
	exists, err = client.BucketExists(ctx, bucket)
	must("look again", err)
	demand(exists, "the bucket is not there")
	step("start: looked for the bucket and made it")
}

func chunks(writer, reader *minio.Client) {
	for _, size := range []int{0, 1, 20_000, 5_000_000, 17 << 20, 40 << 20} {
		key, body := fmt.Sprintf("files/chunks/%d", size), random(size)
		put(writer, key, body, minio.PutObjectOptions{})
		demand(bytes.Equal(get(reader, key, minio.GetObjectOptions{}), body), key+" came back otherwise")
		stat, err := reader.StatObject(ctx, bucket, key, minio.StatObjectOptions{})
		must("stat "+key, err)
		demand(stat.Size == int64(size), key+" has another size")
		if size < 1000 {
			continue
		}
		options := minio.GetObjectOptions{}
		must("range", options.SetRange(1000, 1999))
		demand(bytes.Equal(get(reader, key, options), body[1000:2000]), key+" has other bytes in its range")
		// ReadAt from 0 asks for the whole and hangs up.
		object, err := reader.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
		must("get "+key, err)
		head := make([]byte, 1000)
		_, err = io.ReadFull(object, head)
		must("read the head of "+key, err)
		demand(bytes.Equal(head, body[:1000]), key+" has another head")
		must("hang up", object.Close())
	}
	_, err := reader.StatObject(ctx, bucket, "files/never", minio.StatObjectOptions{})
	demand(minio.ToErrorResponse(err).Code == "NoSuchKey", "a missing key is not NoSuchKey")
	step("chunks: written of known size, one part and several, and read whole, in part and not to the end")
}

// The import's reader: HEAD, then ranges with If-Match.
func imports(client *minio.Client) {
	body := random(3_000_000)
	put(client, "files/import.parquet", body, minio.PutObjectOptions{})
	object, err := client.GetObject(ctx, bucket, "files/import.parquet", minio.GetObjectOptions{})
	must("open", err)
	for _, at := range []int64{2_999_000, 0, 1_500_000, 10} {
		part := make([]byte, 1000)
		_, err = object.ReadAt(part, at)
		demand(err == nil || err == io.EOF, fmt.Sprint("ReadAt: ", err))
		demand(bytes.Equal(part, body[at:at+1000]), "ReadAt brought other bytes")
	}
	must("close", object.Close())
	step("imports: read here and there through one handle")
}

func listings(writer, reader *minio.Client) {
	var want []string
	for segment := range 3 {
		for log := range 5 {
			key := fmt.Sprintf("files/insert_log/1/2/%d/101/45000000000000000%d", segment, log)
			put(writer, key, []byte(key), minio.PutObjectOptions{})
			want = append(want, key)
		}
	}
	sort.Strings(want)
	found := list(reader, minio.ListObjectsOptions{Prefix: "files/insert_log/", Recursive: true, MaxKeys: 4})
	demand(fmt.Sprint(found) == fmt.Sprint(want), "the recursive listing is another")
	found = list(reader, minio.ListObjectsOptions{Prefix: "files/insert_log/1/2/"})
	demand(fmt.Sprint(found) == "[files/insert_log/1/2/0/ files/insert_log/1/2/1/ files/insert_log/1/2/2/]", "levels are wrong")
	found = list(reader, minio.ListObjectsOptions{Prefix: "files/insert_log/", Recursive: true, UseV1: true})
	demand(fmt.Sprint(found) == fmt.Sprint(want), "the listing of version 1 is another")
	step("listings: whole by pages, one level, and of version 1")
}

// Woodpecker's check of conditional writes.
func conditions(first, second *minio.Client) {
	block, next := "files/wp/1/0/0.blk", "files/wp/1/0/1.blk"
	_, err := tryPut(first, block, []byte("block"), ifNew(nil))
	must("write a block", err)
	_, err = tryPut(second, block, []byte("other"), ifNew(nil))
	demand(isTaken(err), fmt.Sprint("a block that is there: ", err))
	fence := map[string]string{"fenced": "true"}
	_, err = tryPut(second, block, []byte("F"), ifNew(fence))
	demand(isTaken(err), fmt.Sprint("a fence where a block is: ", err))
	demand(!isFenced(second, block), "a block says that it is a fence")
	_, err = tryPut(second, next, []byte("F"), ifNew(fence))
	must("fence", err)
	_, err = tryPut(first, next, []byte("late"), ifNew(nil))
	demand(isTaken(err), fmt.Sprint("a block where a fence is: ", err))
	demand(isFenced(first, next), "a fence does not say that it is one")
	demand(string(get(second, block, minio.GetObjectOptions{})) == "block", "the block was written over")
	step("conditions: one writer for a block, and a fence that the other finds")
}

func races(clients []*minio.Client) {
	for block := range 8 {
		key := fmt.Sprintf("files/wp/1/1/%d.blk", block)
		bodies, won := make([][]byte, 8), make([]bool, 8)
		var rivals sync.WaitGroup
		for rival := range bodies {
			bodies[rival] = random(500_000)
			rivals.Add(1)
			go func() {
				defer rivals.Done()
				_, err := tryPut(clients[rival%len(clients)], key, bodies[rival], ifNew(nil))
				demand(err == nil || isTaken(err), fmt.Sprint("a rival was told: ", err))
				won[rival] = err == nil
			}()
		}
		rivals.Wait()
		winners := 0
		for rival := range won {
			if won[rival] {
				winners++
				demand(bytes.Equal(get(clients[0], key, minio.GetObjectOptions{}), bodies[rival]), "a loser's bytes are there")
			}
		}
		demand(winners == 1, fmt.Sprint(winners, " won ", key))
	}
	step("races: one winner of eight for each block")
}

func backup(client *minio.Client) {
	body := random(12 << 20)
	put(client, "files/source", body, minio.PutObjectOptions{})
	source := minio.CopySrcOptions{Bucket: bucket, Object: "files/source"}
	_, err := client.CopyObject(ctx, minio.CopyDestOptions{Bucket: bucket, Object: "backup/copy"}, source)
	must("copy", err)
	core := minio.Core{Client: client}
	upload, err := core.NewMultipartUpload(ctx, bucket, "backup/parts", minio.PutObjectOptions{})
	must("begin a copy in parts", err)
	var parts []minio.CompletePart
	for number, from := range []int64{0, 10 << 20} {
		length := min(int64(len(body))-from, 10<<20)
		part, err := core.CopyObjectPart(ctx, bucket, "files/source", bucket, "backup/parts", upload, number+1, from, length, nil)
		must("copy a part", err)
		parts = append(parts, part)
	}
	_, err = core.CompleteMultipartUpload(ctx, bucket, "backup/parts", upload, parts, minio.PutObjectOptions{})
	must("complete", err)
	for _, key := range []string{"backup/copy", "backup/parts"} {
		demand(bytes.Equal(get(client, key, minio.GetObjectOptions{}), body), key+" is no copy")
	}
	streamed := random(20 << 20)
	_, err = client.PutObject(ctx, bucket, "backup/stream", io.MultiReader(bytes.NewReader(streamed)), -1, minio.PutObjectOptions{PartSize: 5 << 20})
	must("stream", err)
	demand(bytes.Equal(get(client, "backup/stream", minio.GetObjectOptions{}), streamed), "the stream came back otherwise")
	step("backup: copied, copied in parts, and streamed without its size")
}

func removals(writer, reader *minio.Client) {
	for range 2 {
		must("remove", writer.RemoveObject(ctx, bucket, "files/source", minio.RemoveObjectOptions{}))
	}
	_, err := reader.StatObject(ctx, bucket, "files/source", minio.StatObjectOptions{})
	demand(minio.ToErrorResponse(err).Code == "NoSuchKey", "what was removed is there")
	var left []string
	for _, key := range list(reader, minio.ListObjectsOptions{Recursive: true}) {
		left = append(left, key)
	}
	keys := make(chan minio.ObjectInfo)
	go func() {
		defer close(keys)
		for _, key := range left {
			keys <- minio.ObjectInfo{Key: key}
		}
	}()
	for failed := range writer.RemoveObjects(ctx, bucket, keys, minio.RemoveObjectsOptions{}) {
		must("remove "+failed.ObjectName, failed.Err)
	}
	must("remove the bucket", writer.RemoveBucket(ctx, bucket))
	step("removals: one by one, again, and many at once")
}

func ifNew(metadata map[string]string) minio.PutObjectOptions {
	options := minio.PutObjectOptions{UserMetadata: metadata}
	options.SetMatchETagExcept("*")
	return options
}

func isTaken(err error) bool {
	response := minio.ToErrorResponse(err)
	return response.StatusCode == 412 && response.Code == "PreconditionFailed"
}

func isFenced(client *minio.Client, key string) bool {
	stat, err := client.StatObject(ctx, bucket, key, minio.StatObjectOptions{})
	must("stat "+key, err)
	return stat.UserMetadata["Fenced"] == "true"
}

func tryPut(client *minio.Client, key string, body []byte, options minio.PutObjectOptions) (minio.UploadInfo, error) {
	return client.PutObject(ctx, bucket, key, bytes.NewReader(body), int64(len(body)), options)
}

func put(client *minio.Client, key string, body []byte, options minio.PutObjectOptions) {
	_, err := tryPut(client, key, body, options)
	must("put "+key, err)
}

func get(client *minio.Client, key string, options minio.GetObjectOptions) []byte {
	object, err := client.GetObject(ctx, bucket, key, options)
	must("get "+key, err)
	defer object.Close()
	body, err := io.ReadAll(object)
	must("read "+key, err)
	return body
}

func list(client *minio.Client, options minio.ListObjectsOptions) []string {
	var keys []string
	for object := range client.ListObjects(ctx, bucket, options) {
		must("list", object.Err)
		keys = append(keys, object.Key)
	}
	return keys
}

func random(size int) []byte {
	body := make([]byte, size)
	_, err := rand.Read(body)
	must("random", err)
	return body
}

func step(what string) { fmt.Println(what) }

func must(what string, err error) {
	if err != nil {
		fail(what + ": " + err.Error())
	}
}

func demand(isSo bool, otherwise string) {
	if !isSo {
		fail(otherwise)
	}
}

func fail(what string) {
	fmt.Fprintln(os.Stderr, "FAILED "+what)
	os.Exit(1)
}
