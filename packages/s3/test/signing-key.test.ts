import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { SigningKey } from "../src/signature/signing-key.ts";

it("agrees with node's own HMAC for any key of at most a block and any text", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 0, maxLength: 64 }),
      fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 3000, size: "max" }),
      (key, codes) => {
        const text = String.fromCharCode(...codes);
        const expected = createHmac("sha256", key).update(text, "latin1").digest("hex");
        expect(new SigningKey(key).hmacHex(text)).toBe(expected);
      },
    ),
    { seed: 20261124, numRuns: 300 },
  );
});

it("keeps nothing of a longer text when a shorter one follows", () => {
  const key = Buffer.alloc(32, 5);
  const signing = new SigningKey(key);
  signing.hmacHex("x".repeat(1000));
  expect(signing.hmacHex("y")).toBe(createHmac("sha256", key).update("y").digest("hex"));
});
