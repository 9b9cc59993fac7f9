import type { SeenCondition } from "../../reports.ts";

const toneOfWeight = { critical: "bad", warning: "warn", notice: "note" } as const;

/** Everything that needs somebody, with what to do about it. */
export function Conditions({ conditions }: { readonly conditions: readonly SeenCondition[] }) {
  if (conditions.length === 0) return null;
  return (
    <ul className="conditions">
      {conditions.map(({ reason, subject, sentence, remedy, weight }) => (
        <li key={`${reason} ${subject ?? ""}`} className={toneOfWeight[weight]}>
          <code>{reason}</code>
          <div>
            <p>
              {sentence}
              {subject !== null && <span className="faint"> ({subject})</span>}
            </p>
            <p className="faint">Do: {remedy}</p>
          </div>
        </li>
      ))}
    </ul>
  );
}
