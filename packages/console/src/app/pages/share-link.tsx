import { useState, type FormEvent } from "react";
import { CommandLine, CopyButton } from "../parts/command-line.tsx";
import { Failed } from "../parts/states.tsx";
import { useSession } from "../session.tsx";
import { pathOf } from "../store/objects.ts";

const spans = [
  ["15 minutes", 900],
  ["1 hour", 3600],
  ["1 day", 86_400],
  ["7 days", 604_800],
] as const;

/** A link for somebody without a key, until it expires. It leads to the S3 endpoint, never to the console. */
export function ShareLink({ bucket, objectKey }: { readonly bucket: string; readonly objectKey: string }) {
  const { store, endpoint: usual, commands } = useSession();
  const [endpoint, setEndpoint] = useState(usual);
  const [expiresSeconds, setExpires] = useState<number>(3600);
  const [link, setLink] = useState<string | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const make = (event: FormEvent): void => {
    event.preventDefault();
    setFailure(null);
    try {
      setLink(store.link({ endpoint, path: pathOf(bucket, objectKey), query: {}, expiresSeconds }));
    } catch (error) {
      setLink(null);
      setFailure(error);
    }
  };
  return (
    <section className="inset" aria-label="Share a link">
      <form onSubmit={make}>
        <p className="field">
          <label htmlFor="share-expiry">Whoever has the link can read the object for</label>
          <select id="share-expiry" value={expiresSeconds} onChange={(event) => setExpires(Number(event.target.value))}>
            {spans.map(([words, seconds]) => (
              <option key={seconds} value={seconds}>
                {words}
              </option>
            ))}
          </select>
        </p>
        <p className="field">
          <label htmlFor="share-endpoint">S3 endpoint, as they reach it</label>
          <input
            id="share-endpoint"
            type="url"
            value={endpoint}
            required
            onChange={(event) => {
              setLink(null);
              setEndpoint(event.target.value);
            }}
          />
        </p>
        <button type="submit" className="button">
          Make the link
        </button>
      </form>
      <Failed failure={failure} />
      {link !== null && (
        <div className="command">
          <code id="share-link">{link}</code>
          <CopyButton text={link} label="Copy the link" />
        </div>
      )}
      <p className="faint">It ends with the key that signed it. On the command line:</p>
      <CommandLine command={commands.share(bucket, objectKey, expiresSeconds)} />
    </section>
  );
}
