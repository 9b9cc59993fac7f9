import type { ReactNode } from "react";
import { wordsOf } from "../model/failure-words.ts";

export function Loading({ what }: { readonly what: string }) {
  return (
    <p className="state" role="status">
      <span className="pulse" aria-hidden="true" /> Loading {what} ...
    </p>
  );
}

export function Empty({ children }: { readonly children: ReactNode }) {
  return <div className="state empty">{children}</div>;
}

/** Nothing when there is no failure. */
export function Failed({ failure, retry }: { readonly failure: unknown; readonly retry?: () => void }) {
  if (failure === null || failure === undefined) return null;
  const { sentence, code, remedy } = wordsOf(failure);
  return (
    <div className="failure" role="alert">
      <p>
        {sentence} {code !== null && <code>{code}</code>}
      </p>
      {remedy !== null && <p className="faint">{remedy}</p>}
      {retry !== undefined && (
        <button type="button" className="button small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A bar from nothing to all. `share`: 0 to 1. */
export function Bar({
  share,
  label,
  tone,
}: {
  readonly share: number;
  readonly label: string;
  readonly tone?: string;
}) {
  const percent = Math.round(Math.max(0, Math.min(1, share)) * 1000) / 10;
  return (
    <div
      className={`bar ${tone ?? ""}`}
      role="progressbar"
      aria-valuenow={Math.round(percent)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-label={label}
    >
      <span style={{ width: `${percent}%` }} />
    </div>
  );
}
