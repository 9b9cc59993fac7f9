import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A tab of a real browser, driven by the Chrome DevTools Protocol. */
export interface Page {
  goto(url: string): Promise<void>;
  /** The value of a JavaScript expression in the page; a promise is awaited. */
  evaluate<Value>(expression: string): Promise<Value>;
  /** Moves the mouse onto the middle of the element and clicks, as a person does. */
  click(selector: string): Promise<void>;
  resize(widthPx: number, heightPx: number): Promise<void>;
  /** The whole page, as PNG. */
  screenshot(path: string): Promise<void>;
  /** Uncaught exceptions, and what the browser complains of: violated policies, files that are missing. */
  readonly complaints: readonly string[];
}

export interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

const program = "chromium";
const startMsMax = 60_000;

/** Starts Debian's chromium without a window. `hosts` are names that lead to 127.0.0.1. */
export async function startBrowser(hosts: readonly string[] = []): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "kakera-browser-"));
  const args = [
    "--headless=new",
    // Root may not use the sandbox; nothing but our own page is opened.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-port=0",
    `--user-data-dir=${profile}`,
    `--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1`).join(",")}`,
    "about:blank",
  ];
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    const connection = await Connection.open(await addressOf(child));
    return { newPage: () => openPage(connection), close: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** What it prints once it listens. */
function addressOf(child: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const fail = (): void => reject(new Error(`chromium does not listen:\n${printed}`));
    const timer = setTimeout(fail, startMsMax);
    child.once("error", reject);
    child.once("close", fail);
    child.stderr?.on("data", (bytes: Buffer) => {
      printed += bytes.toString();
      const address = /DevTools listening on (ws:\S+)/.exec(printed)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
}

class Connection {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #listeners: ((message: Message) => void)[] = [];
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(String(data)) as Message));
    socket.addEventListener("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the browser is gone"));
    });
  }

  static async open(address: string): Promise<Connection> {
    const socket = new WebSocket(address);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error("the browser takes no connection")));
    });
    return new Connection(socket);
  }

  onMessage(listener: (message: Message) => void): void {
    this.#listeners.push(listener);
  }

  send<Result>(method: string, params: object, sessionId?: string): Promise<Result> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
    return answer.promise as Promise<Result>;
  }

  #receive(message: Message): void {
    for (const listener of this.#listeners) listener(message);
    if (message.id === undefined) return;
    const answer = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) answer?.resolve(message.result);
    else answer?.reject(new Error(message.error.message));
  }
}

async function openPage(connection: Connection): Promise<Page> {
  const { targetId } = await connection.send<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await connection.send<{ sessionId: string }>("Target.attachToTarget", {
    targetId,
    flatten: true,
  });
  const send = <Result>(method: string, params: object = {}): Promise<Result> =>
    connection.send<Result>(method, params, sessionId);
  const complaints: string[] = [];
  let onLoaded = (): void => {};
  connection.onMessage((message) => {
    if (message.sessionId !== sessionId) return;
    if (message.method === "Page.loadEventFired") onLoaded();
    const complaint = complaintOf(message);
    if (complaint !== null) complaints.push(complaint);
  });
  for (const domain of ["Page", "Runtime", "Log"]) await send(`${domain}.enable`);
  await connection.send("Browser.grantPermissions", { permissions: ["clipboardReadWrite", "clipboardSanitizedWrite"] });

  async function evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await send<{
      result: { value: Value };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    }>("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  return {
    complaints,
    evaluate,
    async goto(url) {
      const loaded = new Promise<void>((resolve) => (onLoaded = resolve));
      const { errorText } = await send<{ errorText?: string }>("Page.navigate", { url });
      if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
      await loaded;
      await send("Page.bringToFront");
    },
    async click(selector) {
      const at = await evaluate<{ x: number; y: number }>(`(() => {
        const element = document.querySelector(${JSON.stringify(selector)});
        element.scrollIntoView({ block: "center" });
        const { left, top, width, height } = element.getBoundingClientRect();
        return { x: left + width / 2, y: top + height / 2 };
      })()`);
      await send("Input.dispatchMouseEvent", { type: "mouseMoved", ...at });
      for (const type of ["mousePressed", "mouseReleased"])
        await send("Input.dispatchMouseEvent", { type, ...at, button: "left", clickCount: 1 });
    },
    async resize(width, height) {
      await send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    },
    async screenshot(path) {
      const { data } = await send<{ data: string }>("Page.captureScreenshot", { captureBeyondViewport: true });
      writeFileSync(path, Buffer.from(data, "base64"));
    },
  };
}

function complaintOf({ method, params }: Message): string | null {
  if (method === "Runtime.exceptionThrown") {
    const { exceptionDetails } = params as {
      exceptionDetails: { text: string; exception?: { description?: string } };
    };
    return exceptionDetails.exception?.description ?? exceptionDetails.text;
  }
  if (method === "Log.entryAdded") {
    const { entry } = params as { entry: { level: string; text: string; url?: string } };
    return entry.level === "error" || entry.level === "warning" ? `${entry.text} ${entry.url ?? ""}` : null;
  }
  return null;
}
