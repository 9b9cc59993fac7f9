#!/bin/sh
# The image's entry, also under the name that charts made for MinIO's image call. Takes `kakera ARGS`, `minio ARGS`, `rustfs ARGS`, a
# command of kakera's, or bare ARGS that begin with a flag or a path; with anything else (sh, curl, mc) it becomes that.
set -eu
case ${1-} in
  kakera | minio | rustfs) exec "$@" ;;
  "" | -* | /*)
    # A path may be a program, as /bin/sh, or a drive.
    if [ -f "${1-}" ] && [ -x "${1-}" ]; then exec "$@"; fi
    exec kakera "$@"
    ;;
esac
# What is no program here is a command of kakera's; one that is not known there either says so, with the nearest name.
if command -v "$1" >/dev/null 2>&1; then exec "$@"; fi
exec kakera "$@"
