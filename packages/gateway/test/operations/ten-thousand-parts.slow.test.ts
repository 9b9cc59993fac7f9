import { describe, expect, it } from "vitest";
import { RawConnection } from "../fakes/raw-client.ts";
import { startWithBucket } from "../fakes/start-gateway.ts";
import { etagOfParts, listed, Upload } from "../fakes/upload.ts";

describe("line 46: ten thousand parts", () => {
  it("complete with over 1 MiB of XML, are read by number, replaced and deleted", async () => {
    await using gateway = await startWithBucket({ minPartBytes: 1 });
    const upload = await Upload.create(gateway);
    // Straight into the upload: ten thousand connections would prove nothing more.
    const bodies = Array.from({ length: 10_000 }, (_, i) => Buffer.from(`${i}`));
    const connection = await RawConnection.open(gateway.port);
    for (const [i, body] of bodies.entries()) {
      const wire = gateway.client.wire({
        method: "PUT",
        target: `/b-1/k?partNumber=${i + 1}&uploadId=${upload.uploadId}`,
        body,
      });
      connection.send(wire.head + body.toString());
      if ((await connection.answer()).status !== 200) throw new Error(`part ${i}`);
    }
    connection.destroy();
    const parts = bodies.map((body, i) => ({ ...listed(i + 1, body), more: `<!-- ${"x".repeat(60)} -->` }));
    const answer = await upload.complete(parts);
    expect([answer.status, answer.xml("ETag")]).toEqual([200, etagOfParts(bodies)]);
    const get = await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" });
    expect(get.body.equals(Buffer.concat(bodies))).toBe(true);
    expect((await gateway.client.call({ method: "GET", target: "/b-1/k?partNumber=9999" })).text).toBe("9998");
    expect((await upload.complete(parts)).text).toBe(answer.text);
    await gateway.client.call({ method: "PUT", target: "/b-1/k?tagging", body: "<Tagging><TagSet/></Tagging>" });
    expect((await gateway.client.call({ method: "GET", target: "/b-1/k?partNumber=2" })).text).toBe("1");
    expect((await gateway.client.call({ method: "DELETE", bucket: "b-1", key: "k" })).status).toBe(204);
  });
});
