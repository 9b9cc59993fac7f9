/** An answer that was not hoped for, with what the server said. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  readonly status: number;

  constructor(what: string, { status, body }: { readonly status: number; readonly body: Buffer | null }) {
    super(`${what}: ${status} ${body?.toString() ?? ""}`.trim());
    this.status = status;
  }
}
