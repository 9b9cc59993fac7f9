import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { lockDrive } from "../src/index.ts";

const folders: string[] = [];
const children: ChildProcess[] = [];
afterEach(() => {
  children.splice(0).forEach((child) => child.kill("SIGKILL"));
  folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true }));
});

function newFolder(name = "drive"): string {
  const folder = mkdtempSync(join(tmpdir(), `kakera-lock-${name}-`));
  folders.push(folder);
  return folder;
}

/** A process of its own that takes the lock, says how that went, and keeps running. */
async function lockInChild(directory: string): Promise<{ child: ChildProcess; answer: string }> {
  const module = new URL("../src/drivers/drive-lock.ts", import.meta.url).href;
  const code = `
    const { lockDrive } = await import(${JSON.stringify(module)});
    try { globalThis.lock = lockDrive(${JSON.stringify(directory)}); console.log("held"); }
    catch (error) { console.log("refused: " + error.kind); }
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const answer = await new Promise<string>((resolve) =>
    child.stdout!.once("data", (data: Buffer) => resolve(data.toString().trim())),
  );
  return { child, answer };
}

describe("the lock of a drive", () => {
  it("refuses a second holder, in this process and in another, with halt", async () => {
    const folder = newFolder();
    const lock = lockDrive(folder);
    expect(() => lockDrive(folder)).toThrow(expect.objectContaining({ kind: "halt" }) as Error);
    expect((await lockInChild(folder)).answer).toBe("refused: halt");
    lock.release();
    lockDrive(folder).release();
  });

  it("is released by SIGKILL", async () => {
    const folder = newFolder();
    const { child, answer } = await lockInChild(folder);
    expect(answer).toBe("held");
    expect(() => lockDrive(folder)).toThrow("another process");
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    lockDrive(folder).release();
  });

  it("is one for each drive, and knows no limit of the path's length", () => {
    const [a, b] = [newFolder(), newFolder("x".repeat(150))];
    const locks = [lockDrive(a), lockDrive(b)];
    expect(() => lockDrive(b)).toThrow("another process");
    for (const lock of locks) lock.release();
  });
});
