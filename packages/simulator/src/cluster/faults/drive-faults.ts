import type { Disk } from "@kakera/kernel";
import { after, undisturbedNode, type Fault, type FaultContext } from "./fault.ts";

const folders = ["segments", "shards"] as const;

/** Drives that fill up, hang, become slow, fail a sync, or change what lies on them. */
export const driveFaults: readonly Fault[] = [
  {
    name: "drive-full",
    weight: 5.5,
    profiles: ["all"],
    begin(context) {
      const { world } = context;
      const node = undisturbedNode(context);
      if (node === null) return;
      const { mood } = node;
      mood.isFull = true;
      world.fired("drive-full");
      world.note(`the drive of ${node.name} is full`);
      after(context, world.between(500, 2_500), () => void (mood.isFull = false));
    },
  },
  {
    name: "drive-hung",
    weight: 6.5,
    profiles: ["all"],
    begin(context) {
      const { world } = context;
      const node = undisturbedNode(context);
      if (node === null) return;
      const { mood } = node;
      const { promise, resolve } = Promise.withResolvers<void>();
      mood.hung = promise;
      world.fired("drive-hung");
      world.note(`the drive of ${node.name} hangs`);
      node.releaseWith(() => {
        mood.hung = null;
        resolve();
      });
      after(context, world.between(100, 4_000), () => node.release());
    },
  },
  {
    name: "drive-slow",
    weight: 3,
    profiles: ["all", "rot", "moves"],
    begin(context) {
      const { world } = context;
      const node = undisturbedNode(context);
      if (node === null) return;
      const { mood } = node;
      mood.extraMs = world.between(5, 60);
      world.fired("drive-slow");
      world.note(`the drive of ${node.name} is slow`);
      after(context, world.between(300, 2_500), () => void (mood.extraMs = 0));
    },
  },
  {
    name: "sync-failure",
    weight: 12,
    profiles: ["all"],
    begin(context) {
      const { world } = context;
      const node = undisturbedNode(context);
      if (node === null) return;
      node.failNextSync();
      world.note(`the next sync of ${node.name} fails`);
      // Whoever keeps the drives sees it failed, and starts it again: what it says was durable then, is.
      after(context, world.between(1_000, 3_000), () => {
        if (!node.hasFailed) return;
        node.kill();
        void node.start();
      });
    },
  },
  {
    name: "bit-rot",
    weight: 3,
    profiles: ["rot"],
    begin(context) {
      // Always the same drive: two that rot may be more than m.
      const [node] = context.cluster.nodes;
      if (node !== undefined && node.serving !== null) void rot(context, node.disk);
    },
  },
];

/** Inverts some bits of one file. */
async function rot({ world }: FaultContext, disk: Disk): Promise<void> {
  const paths = await filesOf(disk);
  if (paths.length === 0) return;
  const path = world.pick(paths);
  const sizeBytes = (await disk.stat(path))?.sizeBytes ?? 0;
  if (sizeBytes === 0) return;
  const file = await disk.open(path, { access: "write" });
  const byte = Buffer.alloc(1);
  const at = world.dice(sizeBytes);
  await file.read(byte, at);
  await file.write(Buffer.of((byte[0] as number) ^ (1 << world.dice(8))), at);
  await file.fdatasync();
  await file.close();
  world.fired("bit-rot");
  world.note(`${path} rots at ${at} of ${sizeBytes}`);
}

async function filesOf(disk: Disk): Promise<string[]> {
  const paths: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const name of await disk.list(folder)) {
      const path = `${folder}/${name}`;
      if ((await disk.stat(path))?.isDirectory === true) await visit(path);
      else paths.push(path);
    }
  };
  for (const folder of folders) await visit(folder);
  return paths;
}
