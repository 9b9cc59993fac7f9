import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/**
 * Where a request comes from. X-Forwarded-For is anybody's to send: it is believed only from a peer that is a configured proxy,
 * and then from its right end, as far as each hop is one too.
 */
export type ClientAddressOf = (request: IncomingMessage) => string;

/** `trustedProxies`: addresses and blocks ("10.0.0.0/8", "fd00::/8"). Throws TypeError on what is neither. */
export function createClientAddressOf(trustedProxies: readonly string[]): ClientAddressOf {
  if (trustedProxies.length === 0) return (request) => plain(request.socket.remoteAddress ?? "");
  const trusted = readBlocks(trustedProxies);
  return (request) => {
    let address = plain(request.socket.remoteAddress ?? "");
    const hops = String(request.headers["x-forwarded-for"] ?? "")
      .split(",")
      .map((hop) => plain(hop.trim()));
    while (isTrusted(trusted, address)) {
      const hop = hops.pop() ?? "";
      if (isIP(hop) === 0) break;
      address = hop;
    }
    return address;
  };
}

function readBlocks(texts: readonly string[]): BlockList {
  const blocks = new BlockList();
  for (const text of texts) {
    const [address = "", prefix] = text.split("/");
    const version = isIP(address);
    if (version === 0) throw new TypeError(`${text} is no address and no block of addresses`);
    const family = version === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) blocks.addAddress(address, family);
    else blocks.addSubnet(address, Number(prefix), family);
  }
  return blocks;
}

function isTrusted(trusted: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && trusted.check(address, version === 6 ? "ipv6" : "ipv4");
}

/** IPv4 peers of a socket that takes both are written ::ffff:10.0.0.1. */
function plain(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice("::ffff:".length) : address;
}
