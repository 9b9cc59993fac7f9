import { expect, test } from "vitest";
import { signRequest } from "../src/client/sign-request.ts";

test("signRequest() covers host, date and body, and gives the published kind of signature", () => {
  // AWS's documented example of ListObjects: the same key, day, region and headers.
  const headers = signRequest(
    { method: "GET", url: new URL("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J"), body: "" },
    {
      credentials: { accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
      region: "us-east-1",
      nowMs: Date.UTC(2013, 4, 24),
    },
  );
  expect(headers["authorization"]).toBe(
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
      "SignedHeaders=host;x-amz-content-sha256;x-amz-date, " +
      "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  );
});
