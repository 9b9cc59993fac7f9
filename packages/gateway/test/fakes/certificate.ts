import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsMaterial } from "../../src/index.ts";

const program = "openssl";

/** A self-signed certificate for 127.0.0.1 with this common name. */
export function makeCertificate(commonName: string): TlsMaterial {
  const folder = mkdtempSync(join(tmpdir(), "kakera-tls-"));
  try {
    const [key, certificate] = [join(folder, "key"), join(folder, "crt")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const subject = ["-subj", `/CN=${commonName}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    execFileSync(
      program,
      ["req", "-x509", ...curve, "-nodes", "-days", "2", ...subject, "-keyout", key, "-out", certificate],
      { stdio: "ignore" },
    );
    return { certificate: readFileSync(certificate), privateKey: readFileSync(key) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
