import { useCallback, useEffect, useRef, useState } from "react";
import { sleep } from "./drivers/browser.ts";

export interface Loaded<Value> {
  /** The last that came; null: none yet. */
  readonly value: Value | null;
  /** Why the last try failed; null: it did not. */
  readonly failure: unknown;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/**
 * Loads something for a page, anew whenever `about` changes, and every `everyMs` if that is given. What comes late for a former `about` is
 * dropped.
 */
export function useLoaded<Value>(
  load: (signal: AbortSignal) => Promise<Value>,
  about: string,
  everyMs: number | null = null,
): Loaded<Value> {
  const [state, setState] = useState<{ about: string; value: Value | null; failure: unknown; isLoading: boolean }>({
    about,
    value: null,
    failure: null,
    isLoading: true,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const ended = new AbortController();
    const { signal } = ended;
    const run = async (): Promise<void> => {
      do {
        setState((was) => ({ ...was, about, value: was.about === about ? was.value : null, isLoading: true }));
        try {
          const value = await latest.current(signal);
          if (!signal.aborted) setState({ about, value, failure: null, isLoading: false });
        } catch (failure) {
          if (!signal.aborted) setState((was) => ({ ...was, failure, isLoading: false }));
        }
        if (everyMs !== null) await sleep(everyMs, signal).catch(() => undefined);
      } while (everyMs !== null && !signal.aborted);
    };
    void run();
    return () => ended.abort();
  }, [about, everyMs, round]);
  const reload = useCallback(() => setRound((was) => was + 1), []);
  const isOfNow = state.about === about;
  return {
    value: isOfNow ? state.value : null,
    failure: isOfNow ? state.failure : null,
    isLoading: state.isLoading,
    reload,
  };
}
