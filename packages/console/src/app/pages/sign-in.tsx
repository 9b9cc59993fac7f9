import { useState, type FormEvent } from "react";
import { healthWords } from "../model/status-words.ts";
import { askServer, signIn } from "../open-session.ts";
import { Mark } from "../parts/mark.tsx";
import { Failed } from "../parts/states.tsx";
import type { Session } from "../session.tsx";
import { useLoaded } from "../use-loaded.ts";

const pollMs = 5_000;

export function SignInPage({
  signedIn,
  signOut,
}: {
  readonly signedIn: (session: Session) => void;
  readonly signOut: () => void;
}) {
  const [accessKey, setAccessKey] = useState("");
  const [secretKey, setSecretKey] = useState("");
  const [isKept, setKept] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    signIn({ accessKey: accessKey.trim(), secretKey, keeping: isKept ? "in this tab" : "nowhere" }, signOut)
      .then(signedIn, setFailure)
      .finally(() => setBusy(false));
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit} className="card" aria-labelledby="sign-in-title">
        <Mark />
        <h1 id="sign-in-title">Sign in</h1>
        <p className="field">
          <label htmlFor="access-key">Access key</label>
          <input
            id="access-key"
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus
            value={accessKey}
            onChange={(event) => setAccessKey(event.target.value)}
          />
        </p>
        <p className="field">
          <label htmlFor="secret-key">Secret key</label>
          <input
            id="secret-key"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={secretKey}
            onChange={(event) => setSecretKey(event.target.value)}
          />
        </p>
        <label className="check">
          <input type="checkbox" checked={isKept} onChange={(event) => setKept(event.target.checked)} /> Stay signed in
          in this tab
        </label>
        <Failed failure={failure} />
        <button type="submit" className="button primary wide" disabled={isBusy}>
          {isBusy ? "Signing in ..." : "Sign in"}
        </button>
        <p className="faint">
          The secret signs here and is never sent. <code>kakera credentials show</code> prints a generated one on the
          server.
        </p>
      </form>
      <PublicHealth />
    </main>
  );
}

function PublicHealth() {
  const { value, failure } = useLoaded((signal) => askServer(signal), "status", pollMs);
  if (failure !== null) return <p className="health unavailable">The server does not answer.</p>;
  if (value === null) return <p className="health"> </p>;
  const { status } = value;
  return (
    <div className="health">
      <p>
        <span className={`badge ${status.health}`}>{healthWords[status.health]}</span>{" "}
        <span>{status.geometryText}</span>
      </p>
      <ol className="dots" aria-label="Drives">
        {status.drives.map(({ position, condition }) => (
          <li key={position} className={condition} title={`Drive ${position}: ${condition}`}>
            <span className="off-screen">
              Drive {position}: {condition}
            </span>
          </li>
        ))}
      </ol>
      <p>
        <a href="/">Status, and what to paste for aws, mc, rclone and Milvus</a>
      </p>
    </div>
  );
}
