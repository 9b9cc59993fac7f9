import { S3Error } from "../errors/s3-error.ts";

export function malformedXml(why: string): S3Error {
  return new S3Error(
    "MalformedXML",
    {},
    `The XML that you provided was not well-formed or did not validate against our published schema. ${why}`,
  );
}
