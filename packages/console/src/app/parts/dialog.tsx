import { useEffect, useId, useRef, useState, type ReactNode, type FormEvent } from "react";
import { CommandLine } from "./command-line.tsx";
import { Failed } from "./states.tsx";

/** A window above the page, closed by Escape as well; what lies below cannot be reached meanwhile. */
export function Dialog(props: {
  readonly title: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly look?: "panel";
}) {
  const { title, onClose, children, look } = props;
  const place = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const before = document.activeElement;
    place.current?.showModal();
    // A modal window gives the focus to its first button, which closes it.
    place.current?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={place} className={look ?? "window"} aria-labelledby={titleId} onClose={onClose}>
      <header>
        <h2 id={titleId}>{title}</h2>
        <button type="button" className="button quiet small" aria-label="Close" onClick={onClose}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}

export interface Confirmation {
  readonly title: string;
  readonly question: ReactNode;
  /** The word on the button that does it. */
  readonly verb: string;
  readonly command: string | null;
  /** What has to be typed first, where a slip would cost much. */
  readonly typed?: string;
  readonly work: (signal: AbortSignal, say: (progress: string) => void) => Promise<void>;
  readonly done: () => void;
}

/** Asks before anything is destroyed, shows how far it is, and lets it be ended on the way. */
export function Confirm({ asked, onClose }: { readonly asked: Confirmation; readonly onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const [progress, setProgress] = useState<string | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [cancel, setCancel] = useState<AbortController | null>(null);
  const typedId = useId();
  const isAgreed = asked.typed === undefined || typed === asked.typed;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const controller = new AbortController();
    setCancel(controller);
    setFailure(null);
    asked.work(controller.signal, setProgress).then(
      () => {
        asked.done();
        onClose();
      },
      (error: unknown) => {
        setFailure(error);
        setCancel(null);
        asked.done();
      },
    );
  };
  const close = (): void => {
    cancel?.abort();
    onClose();
  };
  return (
    <Dialog title={asked.title} onClose={close}>
      <form onSubmit={submit}>
        <div className="question">{asked.question}</div>
        {asked.typed !== undefined && (
          <p className="field">
            <label htmlFor={typedId}>
              Type <strong>{asked.typed}</strong> to go on
            </label>
            <input
              id={typedId}
              data-first
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              autoComplete="off"
              spellCheck={false}
            />
          </p>
        )}
        {asked.command !== null && <CommandLine command={asked.command} />}
        <p role="status">{progress}</p>
        <Failed failure={failure} />
        <footer>
          <button
            type="button"
            className="button"
            data-first={asked.typed === undefined ? "" : undefined}
            onClick={close}
          >
            Cancel
          </button>
          <button type="submit" className="button danger" disabled={!isAgreed || cancel !== null}>
            {asked.verb}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
