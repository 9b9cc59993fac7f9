import { s3Errors, type S3ErrorCode } from "./catalogue.ts";

/** The HTTP status behind what an answer is counted under: a status itself, or S3's name of an error. null: neither (a connection that broke). */
export function statusOfCode(code: string): number | null {
  if (/^\d{3}$/.test(code)) return Number(code);
  return Object.hasOwn(s3Errors, code) ? s3Errors[code as S3ErrorCode].status : null;
}
