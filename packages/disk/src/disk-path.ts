import { assert } from "@kakera/kernel";

/**
 * The components of a path inside a drive; none for the drive's own folder ("" or "."). Asserts that the path is
 * relative and stays inside: no "..", no empty component, no NUL. Paths are built by our own code from ids, never from
 * an object's key, so that a bad one is a bug and not a client's error.
 */
export function splitDiskPath(path: string): string[] {
  if (path === "" || path === ".") return [];
  const components = path.split("/");
  for (const component of components) {
    const isPlain = component !== "" && component !== "." && component !== ".." && !component.includes("\0");
    assert(isPlain, `disk path stays inside its drive: ${JSON.stringify(path)}`);
  }
  return components;
}

/** The folder of a path ("" for the drive's own) and the name in it. Asserts that the path is not the drive itself. */
export function splitFolderAndName(path: string): { readonly folder: string; readonly name: string } {
  const components = splitDiskPath(path);
  const name = components.pop();
  assert(name !== undefined, "a file's path names something inside the drive");
  return { folder: components.join("/"), name };
}
