import { useState } from "react";
import { copyText } from "../drivers/browser.ts";
import { Drawn } from "./icons.tsx";

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [said, setSaid] = useState<string | null>(null);
  const copy = (): void => {
    copyText(text).then(
      () => setSaid("Copied"),
      () => setSaid("Select it by hand"),
    );
  };
  return (
    <button type="button" className="button quiet small" onClick={copy} onBlur={() => setSaid(null)} aria-label={label}>
      <Drawn name="copy" />
      <span aria-live="polite">{said ?? "Copy"}</span>
    </button>
  );
}

/** What does the same on a command line. */
export function CommandLine({ command }: { readonly command: string }) {
  return (
    <div className="command">
      <code dir="ltr">{command}</code>
      <CopyButton text={command} label="Copy the command" />
    </div>
  );
}

/** Several of them, out of the way until they are asked for. */
export function CommandLines({ commands }: { readonly commands: readonly (readonly [string, string])[] }) {
  return (
    <details className="commands">
      <summary>On the command line</summary>
      {commands.map(([what, command]) => (
        <div key={what}>
          <span className="faint">{what}</span>
          <CommandLine command={command} />
        </div>
      ))}
    </details>
  );
}
