import { ClusterFailure } from "@kakera/kernel";
import { describe, expect, test } from "vitest";
import { bufferReleased } from "../src/index.ts";

/** As a disk's failure of a call that passed its deadline. */
function hung(released: unknown): Error {
  return Object.assign(new Error("it did not answer in time"), { released });
}

function behind(cause: unknown, depth: number): unknown {
  return depth === 0 ? cause : behind(new ClusterFailure("retry", "a drive failed", { cause }), depth - 1);
}

describe("bufferReleased()", () => {
  test("is null for a failure that has ended: the buffer may be used again at once", () => {
    expect(bufferReleased(new ClusterFailure("retry", "refused"))).toBeNull();
    expect(bufferReleased(null)).toBeNull();
    expect(bufferReleased("a text")).toBeNull();
  });

  test.each([0, 1, 5])("gives the promise of a call that is still out, %i causes deep", (depth) => {
    const released = Promise.resolve();
    expect(bufferReleased(behind(hung(released), depth))).toBe(released);
  });

  test("takes the outermost of several", () => {
    const [outer, inner] = [Promise.resolve(), Promise.resolve()];
    expect(bufferReleased(Object.assign(hung(outer), { cause: hung(inner) }))).toBe(outer);
  });

  test("believes nothing but a promise", () => {
    expect(bufferReleased(hung(true))).toBeNull();
  });

  test("comes to an end over causes that go round in a circle", () => {
    const first = new Error("first");
    const second = new Error("second", { cause: first });
    first.cause = second;
    expect(bufferReleased(first)).toBeNull();
  });
});
