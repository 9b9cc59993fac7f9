import { ClusterFailure } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { startNode } from "./node-kit.ts";
import { failureOf } from "./socket-kit.ts";

const deadlineMs = 120_000;

describe("reports of a node", () => {
  it("come by name, with what was asked", async () => {
    await using node = await startNode({
      reports: new Map([["echo", async (question: unknown) => ({ asked: question, ä: [1, null] })]]),
    });
    const report = await node.client().report("echo", { of: "b-1" }, deadlineMs);
    expect(report).toEqual({ asked: { of: "b-1" }, ä: [1, null] });
  });

  it("that it does not know are refused as another version's", async () => {
    await using node = await startNode();
    const failure = await failureOf(node.client().report("echo", null, deadlineMs));
    expect(failure).toMatchObject({ reason: "VERSION_SKEW" });
  });

  it("fail as their maker says, and when they or their questions are too long for one call", async () => {
    const failing = async (): Promise<never> => Promise.reject(new ClusterFailure("retry", "not now"));
    const long = async (): Promise<string> => "x".repeat(3_000_000);
    await using node = await startNode({
      reports: new Map([
        ["failing", failing],
        ["long", long],
      ]),
    });
    const client = node.client();
    expect((await failureOf(client.report("failing", null, deadlineMs))).message).toContain("not now");
    expect((await failureOf(client.report("long", null, deadlineMs))).message).toContain("too long");
    expect((await failureOf(client.report("long", "x".repeat(300_000), deadlineMs))).message).toContain("too long");
  });
});
