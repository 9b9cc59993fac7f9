/** The browser's clock, clipboard, memory of the tab and address. */

export function nowMs(): number {
  return Date.now();
}

export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}

const soonMs = 120;

/** Calls the last of what it is given, once in a while. */
export function createSoon(): (call: () => void) => void {
  let latest: (() => void) | null = null;
  return (call) => {
    if (latest === null) {
      setTimeout(() => {
        const due = latest;
        latest = null;
        due?.();
      }, soonMs);
    }
    latest = call;
  };
}

/** navigator.clipboard is there for https and localhost alone; the old way works on a network's http. Rejects where neither does. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "off-screen";
  const place = document.querySelector("dialog[open]") ?? document.body;
  place.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (!isCopied) throw new Error("this browser does not copy");
}

const sessionName = "kakera-session";

/** Of this tab only; gone when it is closed. */
export const tabMemory = {
  read: (): string | null => sessionStorage.getItem(sessionName),
  write: (text: string): void => sessionStorage.setItem(sessionName, text),
  forget: (): void => sessionStorage.removeItem(sessionName),
};

export type Theme = "auto" | "light" | "dark";
const themeName = "kakera-theme";

export function readTheme(): Theme {
  const theme = localStorage.getItem(themeName);
  return theme === "light" || theme === "dark" ? theme : "auto";
}

export function applyTheme(theme: Theme): void {
  localStorage.setItem(themeName, theme);
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export const address = {
  host: (): string => location.host,
  origin: (): string => location.origin,
  hostName: (): string => location.hostname,
  hash: (): string => location.hash,
  go: (hash: string): void => {
    location.hash = hash;
  },
  onChange: (listener: () => void): (() => void) => {
    addEventListener("hashchange", listener);
    return () => removeEventListener("hashchange", listener);
  },
};

/** A page that is come to begins at its beginning. */
export function toTop(): void {
  scrollTo(0, 0);
}

/** Hands a file to the browser to be saved. The link leads to this origin, where everything signed is an attachment. */
export function save(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

/** Asks before the tab is closed while `isBusy`. */
export function guardLeaving(isBusy: () => boolean): () => void {
  const ask = (event: BeforeUnloadEvent): void => {
    if (isBusy()) event.preventDefault();
  };
  addEventListener("beforeunload", ask);
  return () => removeEventListener("beforeunload", ask);
}
