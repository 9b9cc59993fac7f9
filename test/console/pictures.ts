/** Makes the pictures of docs/console.md anew, from a real server: node test/console/pictures.ts */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../harness/server.ts";
import { startConsole } from "./start-console.ts";

const folder = join(root, "docs", "console");
mkdirSync(folder, { recursive: true });
const collections = ["447712", "447718", "447731"];

await using at = await startConsole({ directory: "/tmp/kakera" });
for (const bucket of ["a-bucket", "backups", "milvus-data"])
  await at.client.send({ method: "PUT", target: `/${bucket}` });
for (const [index, collection] of collections.entries()) {
  for (let segment = 0; segment < 12; segment++) {
    const target = `/milvus-data/files/insert_log/${collection}/segment-${100 + segment}.parquet`;
    await at.client.send({ method: "PUT", target, body: Buffer.alloc(300_000 + segment * 70_000, index) });
  }
}
await at.client.send({ method: "PUT", target: "/backups/etcd-snapshot.db", body: Buffer.alloc(1_500_000, 7) });
const { page } = await at.signedIn("#/repair");
await page.getByRole("button", { name: "Count and repair now" }).click();
await page.getByRole("heading", { name: /chunks proven/ }).waitFor();
await page.evaluate(() => (location.hash = "#/overview"));
// The charts show what the server did meanwhile.
for (let round = 0; round < 60; round++) {
  const reads = Array.from({ length: 8 + Math.round(30 * Math.sin(round / 6) ** 2) }, (_, index) =>
    at.client.send({
      method: "GET",
      target: `/milvus-data/files/insert_log/${collections[index % 3]}/segment-${100 + (index % 12)}.parquet`,
    }),
  );
  await Promise.all(reads);
  await at.client.send({ method: "PUT", target: "/a-bucket/log", body: Buffer.alloc(2_000_000, round) });
  await page.waitForTimeout(1_000);
}
const picture = (name: string): Promise<unknown> => page.screenshot({ path: join(folder, `${name}.png`) });
await picture("overview");
await page.evaluate(() => (location.hash = "#/bucket/milvus-data?prefix=files/insert_log/447718/"));
await page.locator("table.objects").waitFor();
await picture("bucket");
await page.getByRole("link", { name: "segment-103.parquet" }).click();
await page.getByRole("button", { name: "Where it lies" }).click();
await page.locator(".shards").waitFor();
await picture("object");
await page.keyboard.press("Escape");
await page.emulateMedia({ colorScheme: "dark" });
await page.setViewportSize({ width: 390, height: 760 });
await page.evaluate(() => (location.hash = "#/drives"));
await page.locator(".drive").first().waitFor();
await picture("phone");
