import { describe, expect, test } from "vitest";
import { TestCluster } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { hasProgram } from "../harness/needs.ts";
import { lookAt } from "./start-console.ts";

const isHere = hasProgram("chromium", "console") && (await obtainEtcd("current", "the console of a cluster")) !== null;

describe.runIf(isHere)("the console of a cluster", () => {
  test("shows the nodes, makes a plan of what is new and carries it out when it is told to, and sees a node go", async () => {
    await using cluster = await TestCluster.start({ nodeCount: 3, drivesPerNode: 1 });
    await using at = await lookAt(cluster.node(0).server);
    await at.client.send({ method: "PUT", target: "/bucket" });
    await at.client.send({ method: "PUT", target: "/bucket/object", body: Buffer.alloc(400_000, 1) });
    const { page, complaints } = await at.signedIn("#/drives");
    await expect.poll(() => page.locator(".node").count(), { timeout: 30_000 }).toBe(3);

    await cluster.join();
    await page.getByRole("link", { name: "Plans" }).click();
    await page.getByText("Nothing was ever planned.").waitFor();
    await page.getByRole("button", { name: "Show what it takes" }).click();
    await page.locator(".facts code", { hasText: "add@" }).waitFor();
    await page.getByRole("button", { name: "Carry it out ..." }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.innerText()).toContain("kakera apply add@");
    await dialog.getByRole("button", { name: "Carry it out", exact: true }).click();
    await page.getByText("done", { exact: true }).waitFor({ timeout: 120_000 });

    await cluster.node(2).kill();
    await page.getByRole("link", { name: "Drives" }).click();
    await page.locator(".drive", { hasText: "NODE_DOWN" }).waitFor({ timeout: 60_000 });
    await page.getByRole("link", { name: "Overview" }).click();
    await page.locator(".conditions code", { hasText: "NODE_DOWN" }).waitFor();
    await page.getByText("Needs attention").first().waitFor();
    // The map was asked for again and again meanwhile, and nothing else went wrong.
    expect(complaints).toEqual([]);
  });
});
