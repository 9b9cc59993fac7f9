import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";

const program = join(import.meta.dirname, "process", "print-much.ts");

test("a command whose reader is slow ends when all was read, and does not wait for threads that are at work", async () => {
  const sizeBytes = 3_000_000;
  const flags = ["--disable-warning=ExperimentalWarning", program, String(sizeBytes)];
  const child = spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  // It has printed, and would like to end, before anything is read.
  await once(child.stdout, "readable");
  let readBytes = 0;
  for await (const piece of child.stdout) readBytes += (piece as Buffer).byteLength;
  expect(readBytes).toBe(sizeBytes);
  expect(await ended).toEqual([7, null]);
});
