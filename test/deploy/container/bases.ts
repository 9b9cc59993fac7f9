import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { spawnSync } from "node:child_process";
import { runWell } from "../../harness/run.ts";
import { root } from "../../harness/server.ts";
import type { Buildah } from "./buildah.ts";

const node = join(root, "node_modules", "node", "bin", "node");
const authorities = "/etc/ssl/certs/ca-certificates.crt";
/** Where programs keep what they share, while an image is built: pnpm its store. */
export const dataFolder = "/var/lib/shared";
const debian = "bookworm";
/** Made anew when this file says something else, or another Node is pinned. */
const recipe = createHash("sha256")
  .update(readFileSync(import.meta.filename))
  .update(pinnedNode())
  .digest("hex")
  .slice(0, 12);
const slimBase = `localhost/kakera-test-${debian}:${recipe}`;
const buildBase = `localhost/kakera-test-${debian}-node:${recipe}`;
const distrolessBase = `localhost/kakera-test-${debian}-libraries:${recipe}`;

/** Stand-ins for the bases that the Dockerfile names, made on this machine: no registry of images is asked. Kept from run to run. */
export async function obtainBases(buildah: Buildah): Promise<{ slim: string; build: string; distroless: string }> {
  if (!buildah.has(slimBase)) await makeSlimBase(buildah);
  if (!buildah.has(buildBase)) await makeBuildBase(buildah);
  if (!buildah.has(distrolessBase)) await makeDistrolessBase(buildah);
  return { slim: slimBase, build: buildBase, distroless: distrolessBase };
}

/** As debian:bookworm-slim, and with what the slim flavour would install. */
async function makeSlimBase(buildah: Buildah): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kakera-debian-"));
  try {
    const wanted = ["--variant=minbase", "--include=ca-certificates,curl", debian, join(folder, "root"), mirror()];
    await runWell("debootstrap", wanted, { env: { HOME: folder }, withinMs: 600_000 });
    const container = await buildah.from("scratch");
    const files = await buildah.mount(container);
    for (const waste of ["var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"])
      rmSync(join(folder, "root", waste), { recursive: true, force: true });
    await runWell("cp", ["-a", `${join(folder, "root")}/.`, files]);
    await buildah.commit(container, slimBase);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As the image of Node: Node with npm, which reach the registry as they do on this machine. */
async function makeBuildBase(buildah: Buildah): Promise<void> {
  const container = await buildah.from(slimBase);
  const files = await buildah.mount(container);
  const npm = dirname(dirname(realPath("npm")));
  await runWell("sh", [
    "-c",
    'cp -L "$1" "$3/usr/bin/node" && mkdir -p "$3/usr/lib/node_modules" && cp -rL "$2" "$3/usr/lib/node_modules/npm"',
    "sh",
    node,
    npm,
    files,
  ]);
  await runWell("cp", [
    "-L",
    ...librariesOf(node).filter((path) => path.includes("libatomic")),
    join(files, "usr", "lib"),
  ]);
  for (const name of ["npm", "npx"])
    await runWell("ln", ["-s", `../lib/node_modules/npm/bin/${name}-cli.js`, join(files, "usr", "bin", name)]);
  const registry = spawnSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).stdout.trim();
  const env = [`npm_config_registry=${registry}`, `XDG_DATA_HOME=${dataFolder}`];
  if (existsSync(authorities)) {
    await runWell("cp", ["-L", authorities, join(files, authorities)]);
    env.push(`NODE_EXTRA_CA_CERTS=${authorities}`, `npm_config_cafile=${authorities}`);
  }
  await buildah.call("config", ...env.flatMap((variable) => ["--env", variable]), container);
  await buildah.commit(container, buildBase);
}

const distrolessPackages = ["libc6", "libgcc-s1", "libstdc++6"];
const copyLibraries = `cd "$1"; files=$2; shift 2
mkdir -p "$files/tmp" "$files/proc" "$files/dev" "$files/etc/ssl/certs" "$files/usr/lib" "$files/usr/lib64"
chmod 1777 "$files/tmp"
ln -s usr/lib "$files/lib"; ln -s usr/lib64 "$files/lib64"
cp etc/passwd etc/group etc/nsswitch.conf "$files/etc/"
cp etc/ssl/certs/ca-certificates.crt "$files/etc/ssl/certs/"
for package; do cat var/lib/dpkg/info/$package:*.list; done | grep "[.]so" | sort -u | while read -r path; do
  [ -f ".$path" ] || continue
  mkdir -p "$files$(dirname "$path")"; cp -a ".$path" "$files$path"
done`;

/** As distroless/cc: Debian's glibc and libstdc++ and the authorities, and no program. */
async function makeDistrolessBase(buildah: Buildah): Promise<void> {
  const slim = await buildah.mount(await buildah.from(slimBase));
  const container = await buildah.from("scratch");
  const files = await buildah.mount(container);
  await runWell("sh", ["-euc", copyLibraries, "sh", slim, files, ...distrolessPackages]);
  await buildah.commit(container, distrolessBase);
}

/** Paths of the libraries that a program asks for on this machine, as /lib/...; where Debian has them too. */
function librariesOf(program: string): string[] {
  const told = spawnSync("ldd", [program], { encoding: "utf8" }).stdout;
  return [...told.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => (path as string).replace(/^\/usr/, ""));
}

/** Where this machine has its own packages from, if it is that Debian. */
function mirror(): string {
  const targets = ["indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages"];
  const told = spawnSync("apt-get", targets, { encoding: "utf8" }).stdout;
  return new RegExp(`^${debian} (.*)$`, "m").exec(told)?.[1] ?? "http://deb.debian.org/debian";
}

function pinnedNode(): string {
  return readFileSync(join(root, "node_modules", "node", "package.json"), "utf8");
}

function realPath(program: string): string {
  return spawnSync("sh", ["-c", `readlink -f "$(command -v ${program})"`], { encoding: "utf8" }).stdout.trim();
}
