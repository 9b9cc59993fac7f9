/** The only place that opens connections: to the console's own origin. */

export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Blob | string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly text: string;
}

export interface Transport {
  send(request: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer>;
  /** At most `sizeBytesMax` are kept. */
  fetchBytes(
    request: HttpRequest,
    sizeBytesMax: number,
    signal?: AbortSignal,
  ): Promise<HttpAnswer & { bytes: Uint8Array }>;
  /** As send; `onSent` is told how many bytes of the body are out. */
  upload(request: HttpRequest, onSent: (sentBytes: number) => void, signal: AbortSignal): Promise<HttpAnswer>;
}

export const browserTransport: Transport = {
  async send(request, signal) {
    const answer = await ask(request, signal);
    return { ...headOf(answer), text: await answer.text() };
  },
  async fetchBytes(request, sizeBytesMax, signal) {
    const answer = await ask(request, signal);
    const bytes = new Uint8Array(await answer.arrayBuffer()).subarray(0, sizeBytesMax);
    return { ...headOf(answer), bytes, text: answer.ok ? "" : new TextDecoder().decode(bytes) };
  },
  upload: sendWithProgress,
};

function ask({ method, target, headers, body }: HttpRequest, signal?: AbortSignal): Promise<Response> {
  return fetch(target, {
    method,
    headers,
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    referrerPolicy: "no-referrer",
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

function headOf(answer: Response): Omit<HttpAnswer, "text"> {
  return { status: answer.status, header: (name) => answer.headers.get(name), headers: [...answer.headers] };
}

/** fetch tells nothing of a body that goes out. */
function sendWithProgress(
  { method, target, headers, body }: HttpRequest,
  onSent: (sentBytes: number) => void,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, target);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    const abort = (): void => request.abort();
    signal.addEventListener("abort", abort, { once: true });
    request.upload.addEventListener("progress", ({ loaded }) => onSent(loaded));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    request.addEventListener("error", () => reject(new TypeError("the connection broke")));
    request.addEventListener("load", () =>
      resolve({
        status: request.status,
        header: (name) => request.getResponseHeader(name),
        headers: [],
        text: request.responseText,
      }),
    );
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    if (signal.aborted) reject(new DOMException("cancelled", "AbortError"));
    else request.send(body);
  });
}
