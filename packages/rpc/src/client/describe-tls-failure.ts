const authorityUnknown = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);
/** What is read of a server that answers a handshake with something else. */
const noTls = new Set(["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG", "ERR_SSL_HTTP_REQUEST"]);

/**
 * What is wrong between two nodes that cannot agree on TLS, to be read after the node's name, and what to do. null: the failure is not one of TLS.
 * Codes: https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
export function describeTlsFailure(failure: Error & { readonly code?: string }): string | null {
  const code = failure.code ?? "";
  if (authorityUnknown.has(code))
    return "shows a certificate of no authority that this node knows: put its authority into the CAs of --node-certs-dir";
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
    return "shows a certificate that is not valid now: renew it there, or set the clock";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `shows a certificate for another name (${failure.message}): it must name what the node advertises`;
  if (noTls.has(code)) return "speaks no TLS: --node-certs-dir there too, or --node-tls prefer here until it does";
  return code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_") ? `fails at TLS: ${failure.message}` : null;
}
