import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";

/** A browser of its own with a fresh profile; never one that is downloaded. */
export interface TestBrowser extends AsyncDisposable {
  /** A page that notes what the browser complains of: violated policies, exceptions, files that are missing. */
  newPage(): Promise<ConsolePage>;
}

export interface ConsolePage {
  readonly page: Page;
  readonly complaints: readonly string[];
  /** What a page that asks `alert` or runs `window.isHacked = true` leaves behind. */
  readonly dialogs: readonly string[];
}

export async function openBrowser(): Promise<TestBrowser> {
  const profile = mkdtempSync(join(tmpdir(), "kakera-console-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
    ],
    colorScheme: "light",
    viewport: { width: 1280, height: 800 },
    acceptDownloads: true,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  return {
    async newPage() {
      const page = await context.newPage();
      const complaints: string[] = [];
      const dialogs: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("dialog", (dialog) => {
        dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      return { page, complaints, dialogs };
    },
    async [Symbol.asyncDispose]() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}
