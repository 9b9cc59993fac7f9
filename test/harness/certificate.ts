import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** A self-signed certificate for loopback in `directory`/certs, under the names that --certs-dir looks for. */
export function makeCertificate(directory: string, subject = "/CN=localhost"): string {
  const certs = join(directory, "certs");
  mkdirSync(certs, { recursive: true });
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-subj",
      subject,
      "-addext",
      "subjectAltName=DNS:localhost,IP:127.0.0.1",
      "-keyout",
      join(certs, "private.key"),
      "-out",
      join(certs, "public.crt"),
    ],
    { stdio: "ignore" },
  );
  return certs;
}
