import { usageFailure } from "../command-failure.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a file; throws when it cannot. */
export type ReadText = (path: string) => string;

/** The content of the file that the variable `name` points to, without the newline at its end. Throws CommandFailure. */
export function readSecretFile(name: string, path: string, readText: ReadText): string {
  try {
    return readText(path).replace(/\r?\n$/, "");
  } catch (error) {
    throw usageFailure(`${name} names ${path}, which cannot be read: ${(error as Error).message}`);
  }
}
