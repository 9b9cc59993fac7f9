import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { spareDomains } from "../src/strength/spare-domains.ts";

/** The rule in words: lose every set of domains there is, the smallest first, until fewer than k shards are left. */
function borneByTrial(places: readonly (readonly string[])[], k: number): number {
  const domains = [...new Set(places.flat())];
  const leftWithout = (lost: number): number =>
    places.filter((own) => own.some((domain) => (lost & (1 << domains.indexOf(domain))) === 0)).length;
  let borne = Infinity;
  for (let lost = 0; lost < 1 << domains.length; lost++) {
    if (leftWithout(lost) < k) borne = Math.min(borne, lost.toString(2).replaceAll("0", "").length - 1);
  }
  return borne;
}

const domain = fc.constantFrom("a", "b", "c", "d", "e");
const k = fc.integer({ min: 1, max: 4 });

describe("spareDomains()", () => {
  test("says how many domains may be lost, for shards that lie in one place each or nowhere", () => {
    fc.assert(
      fc.property(fc.array(fc.array(domain, { maxLength: 1 }), { maxLength: 6 }), k, (places, least) => {
        const found = places.filter((own) => own.length > 0).length;
        const expected = found < least ? found - least : borneByTrial(places, least);
        expect(spareDomains(places, least)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  test("promises no more than is borne for shards that lie in several places", () => {
    fc.assert(
      fc.property(fc.array(fc.uniqueArray(domain, { maxLength: 3 }), { maxLength: 6 }), k, (places, least) => {
        const spare = spareDomains(places, least);
        if (spare >= 0) expect(spare).toBeLessThanOrEqual(borneByTrial(places, least));
        else expect(spare).toBe(places.filter((own) => own.length > 0).length - least);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["k+m shards in as many domains bear m losses", ["a", "b", "c", "d"], 2, 2],
    ["two of them in one domain bear one loss less", ["a", "a", "b", "c"], 2, 1],
    ["4+2 on four domains bears the loss of any one", ["a", "a", "b", "b", "c", "d"], 4, 1],
    ["2+1 on two domains bears none", ["a", "a", "b"], 2, 0],
  ])("%s", (_sentence, domains, least, spare) => {
    expect(
      spareDomains(
        domains.map((own) => [own]),
        least,
      ),
    ).toBe(spare);
  });

  test("reckons a shard that is home and on its substitute where it helps most", () => {
    expect(spareDomains([["a", "b"], ["a"], ["c"]], 2)).toBe(1);
  });
});
