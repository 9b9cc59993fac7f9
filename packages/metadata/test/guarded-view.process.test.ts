import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createNodeDisk, faultyDisk } from "@kakera/disk";
import {
  openGuardedView,
  readGuard,
  writeGuard,
  type GuardedView,
  type GuardPlace,
  type GuardState,
} from "../src/index.ts";

/** Only a child that hangs takes so long, however busy the machine is. */
const childMsMax = 150_000;
const now = { bootId: "boot-2", lineage: "cluster" };

describe("openGuardedView()", () => {
  let root: string;
  let place: GuardPlace;
  const opened: GuardedView[] = [];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "kakera-guard-"));
    mkdirSync(join(root, "state"));
    place = { disk: createNodeDisk(root), directory: "state", name: "view.guard" };
  });
  afterEach(async () => {
    for (const { view } of opened.splice(0)) await view.close();
    rmSync(root, { recursive: true, force: true });
  });

  const open = async (bootId = "boot-2"): Promise<GuardedView> => {
    const guarded = await openGuardedView({
      guard: place,
      directory: join(root, "state", "view"),
      bootId,
      lineage: "cluster",
      mapSizeBytes: 2 ** 28,
    });
    opened.push(guarded);
    return guarded;
  };
  const close = async (guarded: GuardedView): Promise<void> => {
    opened.splice(opened.indexOf(guarded), 1);
    await guarded.view.close();
  };
  const stateOf = async (): Promise<GuardState | undefined> => (await readGuard(place))?.state;
  /** Opens and fills the view in a process of its own, which then kills itself; the signal that ended it. */
  const endOfProcessThatFillsTheView = (): string | null => {
    const script = `
      import { openGuardedView } from ${JSON.stringify(join(import.meta.dirname, "../src/index.ts"))};
      import { createNodeDisk } from ${JSON.stringify(join(import.meta.dirname, "../../disk/src/index.ts"))};
      const root = ${JSON.stringify(root)};
      const { view } = await openGuardedView({ guard: { disk: createNodeDisk(root), directory: "state", name: "view.guard" }, directory: root + "/state/view", bootId: "boot-2", lineage: "cluster", mapSizeBytes: 2 ** 28 });
      view.apply({ revision: 1, position: { logId: "l", revision: 1, term: 1, sequence: 1, checksum: "c" }, writes: [{ kind: "put", key: Buffer.from("P"), value: Buffer.from("v"), revision: 1 }] });
      process.kill(process.pid, "SIGKILL");`;
    return spawnSync(process.execPath, ["--input-type=module", "-e", script], { timeout: childMsMax }).signal;
  };
  const fill = ({ view }: GuardedView): void =>
    view.apply({
      revision: 1,
      position: { logId: "l", revision: 1, term: 1, sequence: 1, checksum: "c" },
      writes: [{ kind: "put", key: Buffer.from("P"), value: Buffer.from("v"), revision: 1 }],
    });
  const holds = ({ view }: GuardedView): boolean =>
    view.get(Buffer.from("P")) !== null && view.position?.sequence === 1;

  test("begins anew at first, and keeps a view that was closed, also after a reboot", async () => {
    const first = await open();
    expect(first.origin).toBe("new");
    expect(await stateOf()).toBe("open");
    fill(first);
    await close(first);
    expect(await stateOf()).toBe("clean");
    const second = await open("boot-3");
    expect([second.origin, holds(second)]).toEqual(["kept", true]);
  });

  test("is marked open before anything can be changed", async () => {
    const first = await open();
    await close(first);
    await open("boot-3");
    expect(await readGuard(place)).toEqual({ state: "open", bootId: "boot-3", lineage: "cluster" });
  });

  test("keeps the view of a process that was killed, but not over a reboot", async () => {
    const run = (): void => expect(endOfProcessThatFillsTheView()).toBe("SIGKILL");
    run();
    expect(await stateOf()).toBe("open");
    const kept = await open("boot-2");
    expect([kept.origin, holds(kept)]).toEqual(["kept", true]);
    await close(kept);
    run();
    const distrusted = await open("boot-3");
    expect([distrusted.origin, holds(distrusted)]).toEqual(["distrusted", false]);
  });

  test("begins anew when the last opening ended the process", async () => {
    const first = await open();
    fill(first);
    await close(first);
    await writeGuard(place, { state: "opening", bootId: "boot-2", lineage: "cluster" });
    const second = await open();
    expect([second.origin, holds(second)]).toEqual(["distrusted", false]);
  });

  test("begins anew when a closed view is not the bytes that it was closed with", async () => {
    const first = await open();
    fill(first);
    await close(first);
    const path = join(root, "state", "view", "data.mdb");
    const bytes = readFileSync(path);
    bytes[bytes.byteLength - 100] = (bytes[bytes.byteLength - 100] as number) ^ 1;
    writeFileSync(path, bytes);
    const second = await open();
    expect([second.origin, holds(second)]).toEqual(["distrusted", false]);
  });

  test("begins anew over a file that ends the process that opens it", async () => {
    // Of a killed process there is no digest: only the opening can tell.
    expect(endOfProcessThatFillsTheView()).toBe("SIGKILL");
    writeFileSync(join(root, "state", "view", "data.mdb"), Buffer.alloc(8192, 0x5a));
    // LMDB takes the process down with this file; the mark stays behind, and the next start succeeds.
    expect(endOfProcessThatFillsTheView()).toBe("SIGSEGV");
    expect(await stateOf()).toBe("opening");
    expect(endOfProcessThatFillsTheView()).toBe("SIGKILL");
    const third = await open();
    expect([third.origin, holds(third)]).toEqual(["kept", true]);
  });

  test("begins anew in place of what LMDB refuses to open", async () => {
    expect(endOfProcessThatFillsTheView()).toBe("SIGKILL");
    rmSync(join(root, "state", "view"), { recursive: true });
    writeFileSync(join(root, "state", "view"), "no folder");
    const second = await open();
    expect(second.origin).toBe("unreadable");
    fill(second);
    expect(holds(second)).toBe(true);
  });

  test("opens nothing when the mark cannot be made durable", async () => {
    const { disk } = place;
    const failing = faultyDisk(disk, (call) => (call.operation === "fdatasync" ? { kind: "fail", code: "EIO" } : null));
    await expect(
      openGuardedView({ guard: { ...place, disk: failing }, directory: join(root, "state", "view"), ...now }),
    ).rejects.toMatchObject({ code: "EIO" });
  });
});
