import type { IWatchCreateRequest, IWatchRequest, IWatchResponse } from "etcd3";
import type { EtcdClient } from "./etcd-client.ts";

/** A watch has come to an end that is none of ours: another is opened. */
export class WatchOver extends Error {
  override readonly name = "WatchOver";
  /** What it asked for is compacted: nothing can be resumed from there. */
  readonly isCompacted: boolean;

  constructor(message: string, options: { isCompacted?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.isCompacted = options.isCompacted ?? false;
  }
}

/**
 * One raw watch over one range, from a revision on: the library's own Watcher resumes from the header's revision and loses events
 * (correctness.md F1).
 */
export class WatchStream {
  #stream: WatchDuplex | null = null;
  #isEnded = false;

  /** Resolves never; rejects with {@link WatchOver}, or with what `onResponse` threw. It is called in order. */
  async run(
    client: EtcdClient,
    request: { from: Buffer; to: Buffer; startRevision: number },
    onResponse: (response: IWatchResponse) => void,
  ): Promise<never> {
    const stream = await openStream(client);
    this.#stream = stream;
    const over = new Promise<never>((_, reject) => {
      stream.on("error", (cause) => reject(new WatchOver(cause.message, { cause })));
      stream.on("end", () => reject(new WatchOver("the watch ended")));
      stream.on("close", () => reject(new WatchOver("the watch was closed")));
      stream.on("data", (response) => {
        if (this.#isEnded) return;
        try {
          if (response.canceled) throw canceled(response);
          onResponse(response);
        } catch (failure) {
          this.end();
          reject(failure);
        }
      });
    });
    if (this.#isEnded) stream.cancel();
    stream.write({
      create_request: {
        key: request.from,
        range_end: request.to,
        start_revision: String(request.startRevision),
        // etcd's own creation keeps messages bounded; what is collected until a tail does not care where they are cut.
        fragment: true,
      } as IWatchCreateRequest & { fragment: boolean },
    });
    return over;
  }

  /** Nothing is taken from it until `resume`; what is under way still comes. */
  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  end(): void {
    this.#isEnded = true;
    this.#stream?.cancel();
  }
}

async function openStream(client: EtcdClient): Promise<WatchDuplex> {
  try {
    return (await client.watchClient.watch()) as unknown as WatchDuplex;
  } catch (cause) {
    throw new WatchOver("no watch could be opened", { cause });
  }
}

function canceled(response: IWatchResponse): WatchOver {
  const isCompacted = Number(response.compact_revision) > 0;
  return new WatchOver(isCompacted ? "the revision is compacted" : `canceled: ${response.cancel_reason}`, {
    isCompacted,
  });
}

interface WatchDuplex {
  on(event: "data", listener: (response: IWatchResponse) => void): void;
  on(event: "error", listener: (failure: Error) => void): void;
  on(event: "end" | "close", listener: () => void): void;
  write(request: Partial<IWatchRequest>): boolean;
  cancel(): void;
  pause(): void;
  resume(): void;
}
