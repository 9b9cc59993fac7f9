/** Where somebody is in the console: what stands behind the `#` of the address, so that links, reload and Back work. */
export type Route =
  | { readonly page: "overview" | "buckets" | "drives" | "repair" | "plans" }
  | { readonly page: "bucket"; readonly bucket: string; readonly prefix: string; readonly object: string | null };

const pages = ["overview", "buckets", "drives", "repair", "plans"] as const;

/** Anything that is no place leads to the overview. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const page = pages.find((name) => name === path);
  if (page !== undefined) return { page };
  const parameters = new URLSearchParams(query);
  const bucket = /^bucket\/([a-z0-9.-]+)$/.exec(path)?.[1];
  if (bucket === undefined) return { page: "overview" };
  return { page: "bucket", bucket, prefix: parameters.get("prefix") ?? "", object: parameters.get("object") };
}

export function hashOf(route: Route): string {
  if (route.page !== "bucket") return `#/${route.page}`;
  const parameters = new URLSearchParams();
  if (route.prefix !== "") parameters.set("prefix", route.prefix);
  if (route.object !== null) parameters.set("object", route.object);
  const query = parameters.toString();
  return `#/bucket/${route.bucket}${query === "" ? "" : `?${query}`}`;
}

/** Steps from the bucket down to a prefix: each with its name and the prefix that it leads to. */
export function crumbsOf(prefix: string): readonly { readonly name: string; readonly prefix: string }[] {
  const names = prefix.split("/").slice(0, prefix.endsWith("/") ? -1 : undefined);
  if (prefix === "") return [];
  return names.map((name, index) => ({ name, prefix: `${names.slice(0, index + 1).join("/")}/` }));
}
