import { createHash, randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasProgram } from "../harness/needs.ts";
import { poll } from "../harness/poll.ts";
import { testCredentials, until } from "../harness/server.ts";
import { startConsole, type TestConsole } from "./start-console.ts";

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

describe.runIf(hasProgram("chromium", "console"))("the console", () => {
  let at: TestConsole;
  let folder: string;
  const large = randomFillSync(Buffer.alloc(20 * 2 ** 20 + 12_345));

  beforeAll(async () => {
    at = await startConsole();
    folder = mkdtempSync(join(tmpdir(), "kakera-console-files-"));
    writeFileSync(join(folder, "large.bin"), large);
    for (const path of ["photos/2026/a.txt", "photos/2026/b.txt", "photos/c.txt"]) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), `this is ${path}`);
    }
  });
  afterAll(async () => {
    await at[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const bucket = async (name: string): Promise<void> => {
    await at.client.send({ method: "PUT", target: `/${name}` });
  };
  const put = (target: string, body: string): Promise<unknown> => at.client.send({ method: "PUT", target, body });
  const row = (page: Page, name: string) =>
    page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
  const uploaded = (page: Page, count: number) =>
    page.getByRole("heading", { name: `${count} file${count === 1 ? "" : "s"} uploaded` });

  test("is signed in to with keys: wrong ones are told apart in words, and the secret goes nowhere", async () => {
    const { page, complaints } = await at.browser.newPage();
    const sent: string[] = [];
    page.on("request", (request) =>
      sent.push(`${request.url()} ${JSON.stringify(request.headers())} ${request.postData() ?? ""}`),
    );
    await page.goto(`${at.origin}/console/`);
    await page.getByLabel("Access key").fill("nobody");
    await page.getByLabel("Secret key").fill("wrong-secret-wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The server does not know this access key.").waitFor();
    await page.getByLabel("Access key").fill(testCredentials.accessKey);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The secret key does not belong to this access key.").waitFor();
    await page.getByLabel("Secret key").fill(testCredentials.secretKey);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    expect(sent.join("\n")).not.toContain(testCredentials.secretKey);
    const kept = await page.evaluate(() => JSON.stringify([sessionStorage, localStorage, document.cookie]));
    expect(kept).not.toContain(testCredentials.secretKey);
    expect(kept).not.toContain("byDay");
    // Two refusals of the server are all that the browser notes.
    expect(complaints.filter((text) => !text.includes("403"))).toEqual([]);
    await page.reload();
    await page.getByLabel("Access key").waitFor();
    await page.close();
  });

  test("stays signed in over a reload when it was told to, without keeping the secret, until one signs out", async () => {
    const { page } = await at.browser.newPage();
    await page.goto(`${at.origin}/console/`);
    await page.getByLabel("Access key").fill(testCredentials.accessKey);
    await page.getByLabel("Secret key").fill(testCredentials.secretKey);
    await page.getByLabel("Stay signed in").check();
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    const kept = await page.evaluate(() => JSON.stringify(sessionStorage));
    expect(kept).toContain("byDay");
    expect(kept).not.toContain(testCredentials.secretKey);
    await page.reload();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Access key").waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    await page.close();
  });

  test("creates a bucket, uploads a file in parts and a folder, and gives back the bytes", async () => {
    const { page, complaints } = await at.signedIn("#/buckets");
    await page.getByRole("button", { name: "Create a bucket" }).click();
    await page.getByLabel("Name", { exact: true }).fill("UPPER");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.getByRole("alert").getByText("InvalidBucketName").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("pictures");
    await page.getByText("kakera bucket create pictures").waitFor();
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.getByRole("link", { name: "pictures" }).click();
    await page.getByText("Nothing here yet").waitFor();

    await page.locator("#pick-files").setInputFiles(join(folder, "large.bin"));
    await uploaded(page, 1).waitFor({ timeout: 120_000 });
    await page.getByRole("button", { name: "Close" }).click();
    await page.locator("#pick-folder").setInputFiles(join(folder, "photos"));
    await uploaded(page, 3).waitFor({ timeout: 60_000 });
    const stored = await at.client.send({ method: "GET", target: "/pictures/large.bin" });
    expect(sha256(stored.body)).toBe(sha256(large));
    // A multipart upload's ETag counts its parts.
    expect(stored.headers.etag).toMatch(/-3"$/);
    const inFolder = await at.client.send({ method: "GET", target: "/pictures/photos/2026/b.txt" });
    expect(inFolder.body.toString()).toBe("this is photos/2026/b.txt");

    await row(page, "photos/").getByRole("link").click();
    await row(page, "2026/").getByRole("link").click();
    await row(page, "a.txt").waitFor();
    await page.goBack();
    await row(page, "c.txt").waitFor();
    await page.getByRole("link", { name: "pictures", exact: true }).click();
    await row(page, "large.bin").getByRole("link").click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("large.bin");
    expect(sha256(readFileSync(await download.path()))).toBe(sha256(large));
    expect(complaints.filter((text) => !text.includes("400"))).toEqual([]);
    await page.close();
  });

  test("tries again what broke, and leaves nothing of an upload that was cancelled", async () => {
    await bucket("broken");
    const { page } = await at.signedIn("#/bucket/broken");
    let brokenCount = 0;
    await page.route(/partNumber=2&/, (route) => (brokenCount++ === 0 ? route.abort() : route.continue()));
    await page.locator("#pick-files").setInputFiles(join(folder, "large.bin"));
    await uploaded(page, 1).waitFor({ timeout: 120_000 });
    expect(brokenCount).toBe(2);
    expect(sha256((await at.client.send({ method: "GET", target: "/broken/large.bin" })).body)).toBe(sha256(large));
    await page.getByRole("button", { name: "Close" }).click();
    await at.client.send({ method: "DELETE", target: "/broken/large.bin" });

    // A part that never ends.
    await page.route(/partNumber=3&/, () => undefined);
    const uploads = async (): Promise<string> =>
      (await at.client.send({ method: "GET", target: "/broken?uploads" })).body.toString();
    await page.locator("#pick-files").setInputFiles(join(folder, "large.bin"));
    await until("the upload to be open", async () => (await uploads()).includes("<Upload>"));
    await page.getByRole("button", { name: "Cancel large.bin" }).click();
    await page.getByText(/cancelled/).waitFor();
    await until("the upload to be given up", async () => !(await uploads()).includes("<Upload>"));
    expect((await at.client.send({ method: "HEAD", target: "/broken/large.bin" })).status).toBe(404);
    await page.close();
  });

  test("shows where an object lies and what is stored with it, and takes tags", async () => {
    await bucket("described");
    await at.client.send({
      method: "PUT",
      target: "/described/report.txt",
      body: "x".repeat(300_000),
      headers: { "content-type": "text/plain", "x-amz-meta-author": "somebody" },
    });
    const { page, complaints } = await at.signedIn("#/bucket/described");
    await row(page, "report.txt").getByRole("link").click();
    const panel = page.getByRole("dialog");
    await panel.getByText("x-amz-meta-author").waitFor();
    await panel.getByRole("button", { name: "Where it lies" }).click();
    await expect.poll(() => panel.locator(".shards li").count(), { timeout: 20_000 }).toBe(4);
    expect(await panel.locator(".shards").innerText()).toContain(join(at.server.directory, "drive1"));
    await panel.getByRole("button", { name: "Preview" }).click();
    await panel.locator("pre.preview").waitFor();
    await panel.getByLabel("Name of the tag").fill("kind");
    await panel.getByLabel("Value of the tag").fill("<b>&report");
    await panel.getByRole("button", { name: "Add" }).click();
    await panel.getByText("kind = <b>&report").waitFor();
    const tags = await at.client.send({ method: "GET", target: "/described/report.txt?tagging" });
    expect(tags.body.toString()).toContain("<Value>&lt;b&gt;&amp;report</Value>");
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("makes a link that needs no key, on the S3 port, and that expires", async () => {
    await bucket("shared");
    await put("/shared/a%20b.txt", "for everybody");
    const { page } = await at.signedIn("#/bucket/shared?object=a+b.txt");
    await page.getByRole("button", { name: "Share a link" }).click();
    await page.getByRole("button", { name: "Make the link" }).click();
    const link = (await page.locator("#share-link").textContent()) ?? "";
    expect(link).toContain(`http://127.0.0.1:${at.server.port}/shared/a%20b.txt?`);
    expect(link).toContain("X-Amz-Expires=3600");
    const answer = await fetch(link);
    expect([answer.status, await answer.text()]).toEqual([200, "for everybody"]);
    expect((await fetch(link.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"))).status).toBe(403);
    // As long ago as it takes: signed by the same page, whose clock says so. It has keys of today and tomorrow: just after midnight (UTC) it cannot.
    const past = new Date(Date.now() - 2 * 3_600_000);
    if (past.getUTCDate() !== new Date().getUTCDate()) return page.close();
    await page.clock.setFixedTime(past);
    await page.getByLabel("S3 endpoint").fill(`http://127.0.0.1:${at.server.port}/`);
    await page.getByRole("button", { name: "Make the link" }).click();
    const old = (await page.locator("#share-link").textContent()) ?? "";
    expect(await (await fetch(old)).text()).toContain("Request has expired");
    await page.close();
  });

  test("deletes only what was agreed to: an object, a folder with all below it, a bucket", async () => {
    await bucket("doomed");
    for (let index = 0; index < 30; index++) await put(`/doomed/deep/er/${index}`, "x");
    await put("/doomed/one", "x");
    await put("/doomed/two", "x");
    const { page } = await at.signedIn("#/bucket/doomed");
    await page.getByLabel("Choose one").check();
    await page.getByRole("button", { name: "Delete 1 chosen" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    expect((await at.client.send({ method: "HEAD", target: "/doomed/one" })).status).toBe(200);
    await page.getByRole("button", { name: "Delete 1 chosen" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
    await row(page, "one").waitFor({ state: "detached" });
    expect((await at.client.send({ method: "HEAD", target: "/doomed/one" })).status).toBe(404);

    await page.getByLabel("Choose deep/").check();
    await page.getByRole("button", { name: "Delete 1 chosen" }).click();
    const verb = page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true });
    expect(await verb.isDisabled()).toBe(true);
    await page.getByRole("dialog").getByLabel(/Type/).fill("doomed");
    await verb.click();
    await row(page, "deep/").waitFor({ state: "detached" });
    const listed = await at.client.send({ method: "GET", target: "/doomed?list-type=2" });
    expect(listed.body.toString()).toContain("<KeyCount>1</KeyCount>");

    const remove = async (): Promise<void> => {
      await page.getByRole("button", { name: "Settings" }).click();
      await page.getByRole("button", { name: "Remove the bucket ..." }).click();
      await page.getByRole("dialog").getByLabel(/Type/).fill("doomed");
      await page.getByRole("dialog").getByRole("button", { name: "Remove the bucket" }).click();
    };
    await remove();
    await page.getByRole("dialog").getByText("BucketNotEmpty").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await at.client.send({ method: "DELETE", target: "/doomed/two" });
    await remove();
    await page.getByRole("heading", { name: "Buckets" }).waitFor();
    expect((await at.client.send({ method: "HEAD", target: "/doomed" })).status).toBe(404);
    await page.close();
  });

  test("walks through more keys than a page holds, and finds by the beginning of a name", async () => {
    await bucket("many");
    const names = Array.from({ length: 450 }, (_, index) => `key-${String(index).padStart(4, "0")}`);
    await Promise.all(names.map((name) => put(`/many/${name}`, "")));
    const { page } = await at.signedIn("#/bucket/many");
    const shown = (): Promise<number> => page.locator("table.objects tbody tr").count();
    await expect.poll(shown, { timeout: 20_000 }).toBe(200);
    await page.getByRole("button", { name: "Next" }).click();
    await row(page, "key-0200").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await row(page, "key-0449").waitFor();
    expect(await shown()).toBe(50);
    await page.getByRole("button", { name: "Previous" }).click();
    await row(page, "key-0399").waitFor();
    await page.getByLabel("Names that begin with").fill("key-044");
    await expect.poll(shown, { timeout: 20_000 }).toBe(10);
    await page.close();
  });

  test("orders repair, shows what the census proved, and the last minutes as charts", async () => {
    await bucket("proven");
    await put("/proven/object", "x".repeat(200_000));
    const { page, complaints } = await at.signedIn("#/repair");
    await page.getByRole("button", { name: "Pause repair" }).click();
    await page.getByRole("button", { name: "Go on with repair" }).click();
    await page.getByRole("button", { name: "Count and repair now" }).click();
    await page.getByRole("heading", { name: /chunks? proven 2\+2/ }).waitFor({ timeout: 60_000 });
    await page.getByRole("link", { name: "Overview" }).click();
    await page.locator(".chart canvas").first().waitFor({ timeout: 60_000 });
    expect(await page.locator(".chart canvas").count()).toBe(4);
    await page.getByRole("link", { name: "Drives" }).click();
    await expect.poll(() => page.locator(".drive").count()).toBe(4);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("is walked through by the keyboard alone, from sign-in to an upload", async () => {
    const { page } = await at.browser.newPage();
    await page.goto(`${at.origin}/console/#/buckets`);
    await page.getByLabel("Access key").waitFor();
    await page.keyboard.type(testCredentials.accessKey);
    await page.keyboard.press("Tab");
    await page.keyboard.type(testCredentials.secretKey);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Buckets" }).waitFor();
    await tabTo(page, "Create a bucket");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("by-keyboard");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "by-keyboard" }).waitFor();
    await tabTo(page, "by-keyboard");
    await page.keyboard.press("Enter");
    await page.getByText("Nothing here yet").waitFor();
    const chooser = page.waitForEvent("filechooser");
    let isAsked = false;
    chooser.then(
      () => (isAsked = true),
      () => {},
    );
    // A list that is still arriving may take the focus away.
    await until("the browser asks for files", async () => {
      await tabTo(page, "Upload files");
      await page.keyboard.press("Enter");
      await poll(() => isAsked, 2_000);
      return isAsked;
    });
    await (await chooser).setFiles(join(folder, "photos", "c.txt"));
    await row(page, "c.txt").waitFor();
    await until(
      "the object",
      async () => (await at.client.send({ method: "HEAD", target: "/by-keyboard/c.txt" })).status === 200,
    );
    await page.close();
  });

  test.each(["light", "dark"] as const)(
    "keeps WCAG's rules of level AA, %s, on every page and at the width of a phone",
    async (look) => {
      await bucket("looked-at");
      await put("/looked-at/file.txt", "text");
      const { page } = await at.signedIn();
      await page.emulateMedia({ colorScheme: look });
      for (const hash of [
        "#/overview",
        "#/buckets",
        "#/bucket/looked-at",
        "#/bucket/looked-at?object=file.txt",
        "#/drives",
        "#/repair",
        "#/plans",
      ]) {
        await page.evaluate((to) => (location.hash = to), hash);
        await page
          .locator(hash.includes("object=") ? "dialog .facts" : "main h1, main .crumbs")
          .first()
          .waitFor();
        expect(await breaches(page), hash).toEqual([]);
        await page.setViewportSize({ width: 360, height: 740 });
        expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(360);
        await page.setViewportSize({ width: 1280, height: 800 });
      }
      const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      expect(ground).toBe(look === "light" ? "rgb(244, 245, 241)" : "rgb(15, 20, 18)");
      await page.evaluate(() => (location.hash = "#/overview"));
      await page.getByRole("button", { name: "Look: as the system" }).click();
      await page.getByRole("button", { name: "Look: light" }).click();
      expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe(
        "rgb(15, 20, 18)",
      );
      await page.getByRole("button", { name: "Look: dark" }).click();
      await page.close();
    },
  );
});

/** Tab by Tab, as a person who has no mouse. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let step = 0; step < 60; step++) {
    await page.keyboard.press("Tab");
    if ((await page.evaluate(() => document.activeElement?.textContent?.trim())) === name) return;
  }
  throw new Error(`nothing called "${name}" was reached by the keyboard`);
}

async function breaches(page: Page): Promise<string[]> {
  // The page's policy stops a script of ours in the document; what the debugger evaluates is not the page's.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const checker = (globalThis as unknown as { axe: typeof axe }).axe;
    const { violations } = await checker.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
  });
}
