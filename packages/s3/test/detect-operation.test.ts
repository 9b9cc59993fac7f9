import { describe, expect, it } from "vitest";
import {
  authorize,
  detectOperation,
  operationActions,
  renderUnsetBucketConfiguration,
  renderUnsetObjectConfiguration,
  type UnsetBucketConfiguration,
} from "../src/index.ts";
import { caught } from "./caught.ts";
import { request, type HeaderPairs } from "./make-request.ts";

function detect(method: string, target: string, headers: HeaderPairs = []): string {
  const found = detectOperation(request(method, target, [["Host", "localhost"], ...headers]));
  if ("error" in found) return `${found.error.status} ${found.error.code}`;
  return "configuration" in found ? `${found.name} ${found.configuration}` : found.name;
}

describe("MinIO's admin API", () => {
  it("is not there, and is told to be so: its paths are in no bucket", () => {
    expect(detect("GET", "/minio/admin/v3/info?metrics=false")).toBe("501 NotImplemented");
    expect(detect("POST", "/minio/admin/v3/background-heal/status")).toBe("501 NotImplemented");
    expect(detect("PUT", "/minio/admin/v3/add-user?accessKey=a")).toBe("501 NotImplemented");
    expect(detect("GET", "/minio/other")).toBe("GetObject");
    expect(detect("GET", "/b/admin/v3/info")).toBe("GetObject");
    const byHost = request("GET", "/admin/v3/info", [["Host", "minio.localhost"]]);
    expect(detectOperation(byHost).name).toBe("GetObject");
  });
});

const operations: readonly (readonly [string, string, string])[] = [
  ["GET", "/", "ListBuckets"],
  ["GET", "/?max-buckets=3", "ListBuckets"],
  ["PUT", "/b", "CreateBucket"],
  ["HEAD", "/b/", "HeadBucket"],
  ["DELETE", "/b", "DeleteBucket"],
  ["GET", "/b?location", "GetBucketLocation"],
  ["GET", "/b/?location=", "GetBucketLocation"],
  ["GET", "/b", "ListObjects"],
  ["GET", "/b?prefix=policy&delimiter=/", "ListObjects"],
  ["GET", "/b?list-type=2", "ListObjectsV2"],
  ["GET", "/b?versions", "ListObjectVersions"],
  ["GET", "/b?uploads", "ListMultipartUploads"],
  ["POST", "/b?delete", "DeleteObjects"],
  ["GET", "/b?tagging", "GetBucketTagging"],
  ["PUT", "/b?tagging", "PutBucketTagging"],
  ["DELETE", "/b?tagging", "DeleteBucketTagging"],
  ["PUT", "/b?acl", "PutAcl"],
  ["PUT", "/b/k", "PutObject"],
  ["PUT", "/b/k?x-id=PutObject", "PutObject"],
  ["GET", "/b/k", "GetObject"],
  ["GET", "/b/k?partNumber=1&versionId=null&response-content-type=a", "GetObject"],
  ["GET", "/b/k?foo=1&x-id=GetObject", "GetObject"],
  ["HEAD", "/b/k", "HeadObject"],
  ["DELETE", "/b/k?versionId=null", "DeleteObject"],
  ["GET", "/b/k?attributes", "GetObjectAttributes"],
  ["POST", "/b/k?uploads", "CreateMultipartUpload"],
  ["PUT", "/b/k?uploadId=u&partNumber=1", "UploadPart"],
  ["POST", "/b/k?uploadId=u", "CompleteMultipartUpload"],
  ["DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"],
  ["GET", "/b/k?uploadId=u&max-parts=3", "ListParts"],
  ["GET", "/b/k?tagging", "GetObjectTagging"],
  ["PUT", "/b/k?tagging&versionId=null", "PutObjectTagging"],
  ["DELETE", "/b/k?tagging", "DeleteObjectTagging"],
  ["PUT", "/b/k?acl", "PutAcl"],
  ["GET", "/b/k?acl", "GetUnsetConfiguration acl"],
  ["GET", "/b?acl", "GetUnsetConfiguration acl"],
];

describe("line 1: method, bucket or key, and sub-resource name the operation", () => {
  it.each(operations)("%s %s is %s", (method, target, name) => {
    expect(detect(method, target)).toBe(name);
  });

  it("every operation that we do can be asked for", () => {
    const copy: HeaderPairs = [["x-amz-copy-source", "/b/k"]];
    const found = new Set(operations.map(([method, target]) => detect(method, target).split(" ")[0]!));
    found
      .add(detect("PUT", "/b/k", copy))
      .add(detect("PUT", "/b/k?uploadId=u&partNumber=1", copy))
      .add(detect("DELETE", "/b?cors").split(" ")[0]!);
    expect([...found].sort()).toEqual(Object.keys(operationActions).sort());
  });

  it("no sub-resource ever falls through to the operation without it", () => {
    const all = [
      "acl",
      "policy",
      "policyStatus",
      "cors",
      "lifecycle",
      "location",
      "logging",
      "notification",
      "replication",
      "requestPayment",
      "tagging",
      "uploads",
      "uploadId",
      "versioning",
      "versions",
      "website",
      "encryption",
      "inventory",
      "metrics",
      "analytics",
      "intelligent-tiering",
      "accelerate",
      "object-lock",
      "publicAccessBlock",
      "ownershipControls",
      "delete",
      "attributes",
      "retention",
      "legal-hold",
      "torrent",
      "restore",
      "select",
      "session",
      "metadataTable",
    ];
    const plain = [
      "CreateBucket",
      "DeleteBucket",
      "HeadBucket",
      "ListObjects",
      "ListObjectsV2",
      "PutObject",
      "GetObject",
      "HeadObject",
      "DeleteObject",
    ];
    for (const subResource of all) {
      for (const target of [`/b?${subResource}`, `/b/k?${subResource}=`, `/b/k?a=1&${subResource}=x`]) {
        for (const method of ["GET", "HEAD", "PUT", "POST", "DELETE"])
          expect(plain, `${method} ${target}`).not.toContain(detect(method, target));
      }
    }
  });

  it("names are exact: another case is an unknown name, and ignored", () => {
    expect(detect("DELETE", "/b?Policy")).toBe("DeleteBucket");
    expect(detect("GET", "/b/k?toString&__proto__&constructor")).toBe("GetObject");
  });

  it("two sub-resources at once are refused", () => {
    expect(detect("GET", "/b?acl&policy")).toBe("400 InvalidArgument");
    expect(detect("DELETE", "/b/k?tagging&uploadId=u")).toBe("400 InvalidArgument");
  });

  it("what AWS has and we have not is 501, never ignored", () => {
    for (const target of [
      "/b?policy",
      "/b?lifecycle",
      "/b?versioning",
      "/b?cors",
      "/b?object-lock",
      "/b?website",
      "/b/k?retention",
      "/b/k?legal-hold",
    ]) {
      expect(detect("PUT", target)).toBe("501 NotImplemented");
    }
    expect(detect("POST", "/b/k?restore")).toBe("501 NotImplemented");
    expect(detect("POST", "/b/k?select&select-type=2")).toBe("501 NotImplemented");
    expect(detect("GET", "/b/k?torrent")).toBe("501 NotImplemented");
    // What `mc watch` asks for: a list of objects would be read as a broken stream of events.
    expect(detect("GET", "/b?events=s3:ObjectCreated:*&prefix=&suffix=&ping=10")).toBe("501 NotImplemented");
    expect(detect("GET", "/?events=s3:ObjectCreated:*")).toBe("501 NotImplemented");
    expect(detect("GET", "/b/k?events=x")).toBe("GetObject");
    expect(detect("GET", "/b?session")).toBe("501 NotImplemented");
  });
});

describe("lines 34 and 35: copy sources and parts", () => {
  const copy: HeaderPairs = [["X-Amz-Copy-Source", "/b/k"]];

  it("a copy source makes a copy of PUT, and is refused anywhere else", () => {
    expect(detect("PUT", "/b/k", copy)).toBe("CopyObject");
    expect(detect("PUT", "/b/k?uploadId=u&partNumber=1", copy)).toBe("UploadPartCopy");
    for (const [method, target] of [
      ["GET", "/b/k"],
      ["PUT", "/b"],
      ["DELETE", "/b/k"],
      ["POST", "/b/k?uploads"],
      ["PUT", "/b/k?tagging"],
      ["GET", "/"],
    ] as const) {
      expect(detect(method, target, copy)).toBe("400 InvalidArgument");
    }
  });

  it("partNumber without uploadId is 400, uploadId without partNumber 405", () => {
    expect(detect("PUT", "/b/k?partNumber=1")).toBe("400 InvalidArgument");
    expect(detect("PUT", "/b/k?uploadId=u")).toBe("405 MethodNotAllowed");
  });
});

describe("line 45: preflight, wrong methods, forms", () => {
  it("OPTIONS is refused without saying what would be allowed", () => {
    const asked: HeaderPairs = [
      ["Origin", "https://a"],
      ["Access-Control-Request-Method", "PUT"],
    ];
    expect(detect("OPTIONS", "/b/k", asked)).toBe("403 AccessForbidden");
    expect(detect("OPTIONS", "/b/k")).toBe("400 BadRequest");
    expect(detect("OPTIONS", "/b/k", [["Origin", "https://a"]])).toBe("400 BadRequest");
    expect(detect("OPTIONS", "*", asked)).toBe("403 AccessForbidden");
  });

  it("methods that nothing has are 405", () => {
    for (const [method, target] of [
      ["POST", "/"],
      ["DELETE", "/"],
      ["HEAD", "/"],
      ["POST", "/b/k"],
      ["PATCH", "/b/k"],
      ["TRACE", "/b"],
      ["POST", "/b"],
      ["POST", "/b?uploads"],
      ["DELETE", "/b?acl"],
    ] as const) {
      expect(detect(method, target)).toBe("405 MethodNotAllowed");
    }
  });

  it("?uploads and ?versions of a key are 400 with GET", () => {
    expect(detect("GET", "/b/k?uploads")).toBe("400 InvalidRequest");
    expect(detect("GET", "/b/k?versions")).toBe("400 InvalidRequest");
  });

  it("a form is 501, and no content type makes anything else of a request", () => {
    const form: HeaderPairs = [["Content-Type", "multipart/form-data; boundary=x"]];
    expect(detect("POST", "/b", form)).toBe("501 NotImplemented");
    expect(detect("POST", "/b?delete", form)).toBe("DeleteObjects");
  });

  it("another list type is 400", () => {
    expect(detect("GET", "/b?list-type=3")).toBe("400 InvalidArgument");
  });
});

describe("line 24: what is not configured is absent", () => {
  const question = { bucket: "b", owner: { id: "owner-id", displayName: "owner" }, id: null };
  const absent: readonly (readonly [UnsetBucketConfiguration, string])[] = [
    ["policy", "NoSuchBucketPolicy"],
    ["policyStatus", "NoSuchBucketPolicy"],
    ["cors", "NoSuchCORSConfiguration"],
    ["lifecycle", "NoSuchLifecycleConfiguration"],
    ["website", "NoSuchWebsiteConfiguration"],
    ["encryption", "ServerSideEncryptionConfigurationNotFoundError"],
    ["replication", "ReplicationConfigurationNotFoundError"],
    ["object-lock", "ObjectLockConfigurationNotFoundError"],
    ["publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"],
    ["ownershipControls", "OwnershipControlsNotFoundError"],
  ];

  it.each(absent)("GET ?%s is 404 %s", (name, code) => {
    expect(detect("GET", `/b?${name}`)).toBe(`GetUnsetConfiguration ${name}`);
    const error = caught(() => renderUnsetBucketConfiguration(name, question));
    expect([error.status, error.code, error.detail]).toEqual([404, code, { BucketName: "b" }]);
  });

  it("versioning, logging, notification and accelerate are 200 and empty", () => {
    const roots = {
      versioning: "VersioningConfiguration",
      logging: "BucketLoggingStatus",
      notification: "NotificationConfiguration",
      accelerate: "AccelerateConfiguration",
    };
    for (const [name, root] of Object.entries(roots)) {
      expect(detect("GET", `/b?${name}`)).toBe(`GetUnsetConfiguration ${name}`);
      const xml = renderUnsetBucketConfiguration(name as UnsetBucketConfiguration, question);
      expect(xml).toContain(`<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></${root}>`);
    }
  });

  it("the payer is the bucket's owner, who has full control of buckets and objects", () => {
    expect(renderUnsetBucketConfiguration("requestPayment", question)).toContain("<Payer>BucketOwner</Payer>");
    for (const xml of [
      renderUnsetBucketConfiguration("acl", question),
      renderUnsetObjectConfiguration("acl", question),
    ]) {
      expect(xml).toContain("<Owner><ID>owner-id</ID><DisplayName>owner</DisplayName></Owner>");
      expect(xml).toContain("<Permission>FULL_CONTROL</Permission>");
    }
  });

  it("lists of configurations are empty, and one of them does not exist", () => {
    for (const name of ["inventory", "metrics", "analytics", "intelligent-tiering"] as const) {
      expect(renderUnsetBucketConfiguration(name, question)).toContain("<IsTruncated>false</IsTruncated>");
      expect(caught(() => renderUnsetBucketConfiguration(name, { ...question, id: "x" }))).toMatchObject({
        status: 404,
        code: "NoSuchConfiguration",
      });
    }
  });

  it("retention and legal hold of an object are 400", () => {
    for (const name of ["retention", "legal-hold"] as const) {
      expect(detect("GET", `/b/k?${name}`)).toBe(`GetUnsetConfiguration ${name}`);
      expect(caught(() => renderUnsetObjectConfiguration(name, question))).toMatchObject({
        status: 400,
        code: "InvalidRequest",
      });
    }
  });

  it("DELETE of what can be deleted is done, of the rest 405", () => {
    for (const name of [
      "policy",
      "cors",
      "lifecycle",
      "website",
      "encryption",
      "replication",
      "publicAccessBlock",
      "ownershipControls",
      "inventory",
    ]) {
      expect(detect("DELETE", `/b?${name}`)).toBe(`DeleteUnsetConfiguration ${name}`);
    }
    for (const name of ["versioning", "logging", "notification", "requestPayment", "policyStatus", "object-lock"]) {
      expect(detect("DELETE", `/b?${name}`)).toBe("405 MethodNotAllowed");
    }
  });
});

describe("line 42: who may do what", () => {
  it("root all, anonymous nothing, whatever the action", () => {
    for (const action of Object.values(operationActions)) {
      expect(authorize({ kind: "root", accessKey: "a" }, action, { bucket: "b", key: "k" })).toBe("allow");
      expect(authorize({ kind: "anonymous" }, action, { bucket: "b", key: "k" })).toBe("deny");
    }
  });
});
