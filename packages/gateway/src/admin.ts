/** The admin API behind `/kakera/admin/v1`: given by the composition, called for signed requests of root only. */
export interface Admin {
  /** Never rejects for what a caller did wrong: that is a status. */
  handle(request: AdminRequest): Promise<AdminResponse>;
}

export interface AdminRequest {
  readonly method: string;
  /** Behind `/kakera/admin/v1`: "/status". */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  /** Parsed JSON; null when there was no body. */
  readonly body: unknown;
}

export interface AdminResponse {
  readonly status: number;
  readonly json: unknown;
}

export const adminPathPrefix = "/kakera/admin/v1";
