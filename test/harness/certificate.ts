import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
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

/** An authority of a test's own, whose certificate is `directory`/NAME.crt. */
export class TestAuthority {
  readonly certificatePath: string;
  readonly #keyPath: string;
  #issued = 0;

  constructor(directory: string, name: string) {
    mkdirSync(directory, { recursive: true });
    this.certificatePath = join(directory, `${name}.crt`);
    this.#keyPath = join(directory, `${name}.key`);
    const files = ["-keyout", this.#keyPath, "-out", this.certificatePath];
    openssl(["req", "-x509", ...newKey, "-days", "60", "-subj", `/CN=${name}`, ...files]);
  }

  /** Puts a new certificate for loopback into the folder, as --node-certs-dir wants it: what it shows, and whom it believes. */
  issue(directory: string, options: { readonly names?: string; readonly days?: number } = {}): string {
    const { names = "DNS:localhost,IP:127.0.0.1", days = 59 } = options;
    mkdirSync(directory, { recursive: true });
    const [request, extensions] = [join(directory, ".request"), join(directory, ".extensions")];
    this.#issued += 1;
    openssl([
      "req",
      ...newKey,
      "-subj",
      `/CN=node ${this.#issued}`,
      "-keyout",
      join(directory, "tls.key"),
      "-out",
      request,
    ]);
    writeFileSync(extensions, `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    const by = ["-CA", this.certificatePath, "-CAkey", this.#keyPath, "-set_serial", String(this.#issued)];
    const form = ["-days", String(days), "-extfile", extensions, "-out", join(directory, "tls.crt")];
    openssl(["x509", "-req", "-in", request, ...by, ...form]);
    copyFileSync(this.certificatePath, join(directory, "ca.crt"));
    return directory;
  }
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function openssl(args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "ignore" });
}
