import { readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hasProgram } from "../harness/needs.ts";
import { createS3Client } from "../harness/request.ts";
import { root, startServer, testCredentials, until, type TestServer } from "../harness/server.ts";
import { startBrowser, type Browser, type Page } from "./browser.ts";

/** Leads to 127.0.0.1; the browser takes http to it for as insecure as to any host on a network. */
const lanHost = "kakera.test";
const snippets = ["aws", "mc", "rclone", "milvus"];
/** Where whoever wants to look at the page finds pictures of it. */
const picturesFolder = process.env.KAKERA_TEST_PICTURES;

describe.runIf(hasProgram("chromium", "matrix status page"))("the status page in a browser", () => {
  let server: TestServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await startBrowser([lanHost]);
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    server = await startServer();
    const client = createS3Client(server.endpoint, testCredentials);
    await client.send({ method: "PUT", target: "/pictures" });
    await client.send({ method: "PUT", target: "/pictures/one", body: Buffer.alloc(300_000, 1) });
    client.close();
    page = await browser.newPage();
  });
  afterEach(() => server.dispose());

  const address = (host = "127.0.0.1"): string => `http://${host}:${server.consolePort}/`;
  const text = (selector: string): Promise<string> =>
    page.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`);
  const conditions = (): Promise<string[]> =>
    page.evaluate(`[...document.querySelectorAll("#drives li")].map((card) => card.querySelector("span").innerText)`);
  const picture = async (name: string): Promise<void> => {
    if (picturesFolder !== undefined) await page.screenshot(join(picturesFolder, `${name}.png`));
  };

  test("shows the drives live: one that vanishes, and that it is back, without being loaded again", async () => {
    await page.goto(address());
    await page.evaluate("window.isTheSamePage = true");
    await until("the drives", async () => (await conditions()).length === 4);
    expect(await conditions()).toEqual(["online", "online", "online", "online"]);
    await until("health", async () => (await text("#health")) === "healthy");
    expect(await text("#summary")).toContain("1 object,");
    expect(await text("#conditions-title")).toBe("Good to know");
    expect(await text("#geometry")).toBe("2+2: any 2 of the 4 drives may be lost");
    await picture("healthy");
    const [place, away] = [join(server.directory, "drive3"), join(server.directory, "away")];
    renameSync(place, away);
    await until("the loss to be seen", async () => (await conditions())[2]?.startsWith("offline") === true);
    expect((await conditions()).filter((condition) => condition === "online")).toHaveLength(3);
    // Its place is looked at anew time and again: then it is known that nothing is there.
    expect(await text("#conditions")).toMatch(/DRIVE_(OFFLINE|NOT_MOUNTED)/);
    expect(await text("#conditions-title")).toBe("Needs attention");
    expect(await text("#health")).toBe("needs attention");
    await picture("drive-away");
    renameSync(away, place);
    await until("the return to be seen", async () => (await conditions()).every((each) => each === "online"));
    expect(await page.evaluate("window.isTheSamePage")).toBe(true);
    expect(page.complaints).toEqual([]);
  });

  test("says so when the server does not answer any more", async () => {
    await page.goto(address());
    await until("the drives", async () => (await conditions()).length === 4);
    await server.kill();
    await until("no answer", async () => (await text("#health")) === "no answer");
    await picture("no-answer");
  });

  test.each(["127.0.0.1", lanHost])("lets every snippet be copied at %s", async (host) => {
    await page.goto(address(host));
    await until("the drives", async () => (await conditions()).length === 4);
    // The clipboard is read where a browser allows it.
    const reader = await browser.newPage();
    await reader.goto(address());
    for (const name of snippets) {
      const shown = await page.evaluate<string>(`document.querySelector("#snippet-${name}").textContent`);
      expect(shown).toContain(name === "milvus" ? `port: ${server.port}` : `http://${host}:${server.port}`);
      await page.evaluate("window.focus()");
      await page.click(`[data-copy="snippet-${name}"]`);
      await until("it to be copied", async () => (await text(`[data-copy="snippet-${name}"]`)) === "Copied");
      expect(await reader.evaluate("navigator.clipboard.readText()")).toBe(shown);
    }
    expect(page.complaints).toEqual([]);
  });

  test("holds no secret, no key and no folder, in its source and in all that it asks for", async () => {
    await page.goto(address());
    await until("the drives", async () => (await conditions()).length === 4);
    const asked = await page.evaluate<string[]>(
      `performance.getEntries().map(({ name }) => name).filter((name) => name.startsWith("http"))`,
    );
    expect(asked).toContain(`${address()}status.json`);
    const texts = await Promise.all([...new Set(asked)].map(async (url) => (await fetch(url)).text()));
    const source = await page.evaluate<string>("document.documentElement.outerHTML");
    const identity = readFileSync(join(server.directory, "drive1", ".kakera", "identity"));
    const driveId = identity.toString("latin1").match(/[0-9a-f]{32}/)?.[0];
    for (const given of [source, ...texts]) {
      for (const secret of [testCredentials.accessKey, testCredentials.secretKey, server.directory, root, driveId])
        if (secret !== undefined) expect(given).not.toContain(secret);
    }
    expect(readdirSync(server.directory)).toContain("drive1");
  });

  test.each([360, 1280])("fits a window %i pixels wide", async (widthPx) => {
    await page.resize(widthPx, 800);
    await page.goto(address());
    await until("the drives", async () => (await conditions()).length === 4);
    expect(await page.evaluate("document.scrollingElement.scrollWidth")).toBeLessThanOrEqual(widthPx);
    await picture(`${widthPx}-wide`);
  });
});
