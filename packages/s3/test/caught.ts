import { S3Error } from "../src/index.ts";

/** The S3Error that `action` throws. Fails the test when it throws nothing or something else. */
export function caught(action: () => unknown): S3Error {
  try {
    action();
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
