import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { RawConnection } from "../../../packages/gateway/test/fakes/raw-client.ts";

/** A connection to a server on this machine, http or https, on which many requests may be under way. */
export function openConnection(endpoint: URL): RawConnection {
  const place = { host: endpoint.hostname, port: Number(endpoint.port) };
  const isTls = endpoint.protocol === "https:";
  return new RawConnection(isTls ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place));
}
