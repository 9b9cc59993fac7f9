import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { createClientAddressOf } from "../../src/http/client-address.ts";

const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
  }) as unknown as IncomingMessage;

describe("the client's address", () => {
  it("is the peer's, whatever a stranger forwards", () => {
    const addressOf = createClientAddressOf([]);
    expect(addressOf(from("::ffff:10.0.0.1", "1.2.3.4"))).toBe("10.0.0.1");
    expect(createClientAddressOf(["192.168.0.0/16"])(from("10.0.0.1", "1.2.3.4"))).toBe("10.0.0.1");
  });

  it.each([
    ["10.0.0.1", "1.2.3.4", "1.2.3.4"],
    ["10.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4"],
    ["10.0.0.1", "9.9.9.9, 1.2.3.4, 10.1.1.1", "1.2.3.4"],
    ["10.0.0.1", "nonsense", "10.0.0.1"],
    ["10.0.0.1", undefined, "10.0.0.1"],
    ["fd00::1", "2001:db8::1", "2001:db8::1"],
  ])("behind the proxy %s, forwarded for %s, is %s", (peer, forwarded, address) => {
    expect(createClientAddressOf(["10.0.0.0/8", "fd00::/8"])(from(peer, forwarded))).toBe(address);
  });

  it("refuses settings that are no addresses", () => {
    expect(() => createClientAddressOf(["proxy.local"])).toThrow(TypeError);
  });
});
