import { createS3Client, type S3Client } from "../harness/request.ts";
import { startServer, testCredentials, type ServerOptions, type TestServer } from "../harness/server.ts";
import { openBrowser, type ConsolePage, type TestBrowser } from "./open-browser.ts";

/** A real server, and a browser that looks at its console. */
export interface TestConsole extends AsyncDisposable {
  readonly server: TestServer;
  readonly browser: TestBrowser;
  /** Speaks to the S3 port, to look from outside. */
  readonly client: S3Client;
  /** Of the console. */
  readonly origin: string;
  /** A page that is signed in, at `#/...`. */
  signedIn(hash?: string): Promise<ConsolePage>;
}

export async function startConsole(options: ServerOptions = {}): Promise<TestConsole> {
  const server = await startServer(options);
  return lookAt(server, () => server.dispose());
}

/** The console of a server that runs already; `end` is called at the end. */
export async function lookAt(server: TestServer, end: () => Promise<void> = async () => {}): Promise<TestConsole> {
  const browser = await openBrowser();
  const client = createS3Client(server.endpoint, testCredentials);
  const origin = `http://127.0.0.1:${server.consolePort}`;
  return {
    server,
    browser,
    client,
    origin,
    async signedIn(hash = "#/overview") {
      const opened = await browser.newPage();
      const { page } = opened;
      await page.goto(`${origin}/console/${hash}`);
      await page.getByLabel("Access key").fill(testCredentials.accessKey);
      await page.getByLabel("Secret key").fill(testCredentials.secretKey);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("button", { name: "Sign out" }).waitFor();
      return opened;
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await browser[Symbol.asyncDispose]();
      await end();
    },
  };
}
