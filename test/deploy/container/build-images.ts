import { existsSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { root } from "../../harness/server.ts";
import { dataFolder, obtainBases } from "./bases.ts";
import { Buildah } from "./buildah.ts";
import type { Image } from "./container.ts";

export interface Images extends AsyncDisposable {
  readonly slim: Image;
  readonly distroless: Image;
}

/** Builds both flavours by the Dockerfile as it is. Null, and a line SKIPPED, where that cannot be done. */
export async function buildImages(suite: string): Promise<Images | null> {
  const buildah = await Buildah.open(suite);
  if (buildah === null) return null;
  const bases = await obtainBases(buildah);
  const store = storeOfPackages();
  const build = async (target: string): Promise<Image> => {
    const name = `localhost/kakera-test-${target}`;
    const buildArgs = [
      `BUILD_BASE=${bases.build}`,
      `SLIM_BASE=${bases.slim}`,
      `DISTROLESS_BASE=${bases.distroless}`,
      "VERSION=test",
    ];
    // Files have no time of their own, so that the same content is the same image.
    const args = [
      "--timestamp",
      "0",
      "--file",
      join(root, "deploy", "docker", "Dockerfile"),
      "--target",
      target,
      "--tag",
      name,
    ];
    // What this machine has fetched already is not fetched again.
    const shared = store === null ? [] : ["--volume", `${store}:${dataFolder}/pnpm/store`];
    await buildah.build([...args, ...shared, ...buildArgs.flatMap((value) => ["--build-arg", value])]);
    const files = await buildah.mount(await buildah.from(name));
    return { name, files, ...(await buildah.configOf(name)) };
  };
  const slim = await build("slim");
  const distroless = await build("distroless");
  return { slim, distroless, [Symbol.asyncDispose]: () => buildah.removeContainers() };
}

function storeOfPackages(): string | null {
  const place = spawnSync("npx", ["--yes", "pnpm@12.21.0", "store", "path"], {
    cwd: root,
    encoding: "utf8",
  }).stdout.trim();
  const store = place.replace(/\/v\d+$/, "");
  return store !== place && existsSync(store) ? store : null;
}
