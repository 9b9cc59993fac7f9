import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPayloadDecoder, HeaderIndex, planBody, type PayloadMode } from "../src/index.ts";
import { caught } from "./caught.ts";
import { decodeStream, encodeStream, exampleContext, type DecodeInput } from "./chunk-stream.ts";

const crlf = "\r\n";

function headers(pairs: Record<string, string>): HeaderIndex {
  return new HeaderIndex(Object.entries(pairs).flat());
}

describe("line 7: signed chunks, against the example of AWS's documentation", () => {
  const seedSignature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  const first = Buffer.alloc(65_536, "a");
  const second = Buffer.alloc(1024, "a");
  const documented = [
    ["10000", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", first],
    ["400", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", second],
    ["0", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", Buffer.alloc(0)],
  ] as const;
  const stream = Buffer.concat(
    documented.flatMap(([size, signature, chunk]) => [
      Buffer.from(`${size};chunk-signature=${signature}${crlf}`),
      chunk,
      Buffer.from(crlf),
    ]),
  );

  it("are decoded, and are the bytes that the encoder of these tests makes", () => {
    expect(decodeStream(stream, { mode: "streaming-signed", lengthBytes: 66_560, seedSignature }).body).toEqual(
      Buffer.concat([first, second]),
    );
    expect(encodeStream({ mode: "signed", chunks: [first, second], seedSignature })).toEqual(stream);
    expect(stream.length).toBe(66_824);
  });

  it("with a signed trailer", () => {
    const trailerSeed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    const signatures = [
      "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
      "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
      "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ];
    const withTrailer = Buffer.concat([
      Buffer.from(`10000;chunk-signature=${signatures[0]}${crlf}`),
      first,
      Buffer.from(crlf),
      Buffer.from(`400;chunk-signature=${signatures[1]}${crlf}`),
      second,
      Buffer.from(crlf),
      Buffer.from(`0;chunk-signature=${signatures[2]}${crlf}x-amz-checksum-crc32c:sOO8/Q==${crlf}`),
      Buffer.from(
        `x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435${crlf}${crlf}`,
      ),
    ]);
    const decoded = decodeStream(withTrailer, {
      mode: "streaming-signed-trailer",
      lengthBytes: 66_560,
      seedSignature: trailerSeed,
      trailerNames: ["x-amz-checksum-crc32c"],
    });
    expect(decoded.trailer).toEqual([{ name: "x-amz-checksum-crc32c", value: "sOO8/Q==" }]);
    expect(decoded.body.length).toBe(66_560);
  });
});

describe("line 7: what clients really send", () => {
  it("an empty body in one frame, as minio-go sends it", () => {
    const stream = encodeStream({ mode: "signed", chunks: [] });
    expect(stream.length).toBe(86);
    expect(decodeStream(stream, { mode: "streaming-signed", lengthBytes: 0 }).body.length).toBe(0);
  });

  it("a trailer whose fields end with a bare line feed and an empty line, as minio-go sends it", () => {
    const unsigned = Buffer.from(`5${crlf}hello${crlf}0${crlf}x-amz-checksum-crc32:NhCmhg==\n${crlf}${crlf}`);
    const input: DecodeInput = {
      mode: "streaming-unsigned-trailer",
      lengthBytes: 5,
      trailerNames: ["x-amz-checksum-crc32"],
    };
    expect(decodeStream(unsigned, input).trailer).toEqual([{ name: "x-amz-checksum-crc32", value: "NhCmhg==" }]);
    const signed = encodeStream({
      mode: "signed-trailer",
      chunks: [Buffer.from("hello")],
      trailer: [["x-amz-checksum-crc32", "NhCmhg=="]],
    });
    const asMinioGo = Buffer.from(signed.toString("latin1").replace(`NhCmhg==${crlf}`, `NhCmhg==\n${crlf}`), "latin1");
    expect(decodeStream(asMinioGo, { ...input, mode: "streaming-signed-trailer" }).body.toString()).toBe("hello");
  });

  it("sizes in upper and lower case, chunks of any size, no trailer at all", () => {
    const body = Buffer.alloc(171, "x");
    for (const size of ["ab", "AB", "00ab"]) {
      const stream = Buffer.concat([Buffer.from(size + crlf), body, Buffer.from(`${crlf}0${crlf}${crlf}`)]);
      expect(decodeStream(stream, { mode: "streaming-unsigned-trailer", lengthBytes: 171 }).body).toEqual(body);
    }
    const single = encodeStream({ mode: "signed", chunks: Array.from({ length: 20 }, () => Buffer.from("y")) });
    expect(decodeStream(single, { mode: "streaming-signed", lengthBytes: 20 }).body.toString()).toBe("y".repeat(20));
  });

  it("gives slices of what it was given, not copies", () => {
    const stream = encodeStream({ mode: "signed", chunks: [Buffer.alloc(1000, "z")] });
    const decoder = createPayloadDecoder(
      { mode: { kind: "streaming-signed" }, lengthBytes: 1000, trailerNames: [] },
      exampleContext("5".repeat(64)),
    );
    decoder.push(stream, (slice) => expect(slice.buffer).toBe(stream.buffer));
    decoder.end();
  });
});

describe("line 7: forged and broken chunks", () => {
  const chunks = [Buffer.alloc(40, "a"), Buffer.alloc(40, "b"), Buffer.alloc(40, "c")];
  const input: DecodeInput = { mode: "streaming-signed", lengthBytes: 120 };
  const frames = (): Buffer[] => {
    const stream = encodeStream({ mode: "signed", chunks });
    // 2 digits, ";chunk-signature=", 64 digits, CR LF, 40 bytes, CR LF
    const size = 2 + 17 + 64 + 2 + 40 + 2;
    return [0, 1, 2].map((n) => stream.subarray(n * size, (n + 1) * size)).concat(stream.subarray(3 * size));
  };
  const refusal = (pieces: Buffer[], changes: Partial<DecodeInput> = {}): string => {
    const error = caught(() => decodeStream(Buffer.concat(pieces), { ...input, ...changes }));
    return `${error.status} ${error.code}`;
  };

  it("the frames as they are, are accepted", () => {
    expect(decodeStream(Buffer.concat(frames()), input).body).toEqual(Buffer.concat(chunks));
  });

  it("in another order, repeated, or without the last, are refused", () => {
    const [a, b, c, end] = frames() as [Buffer, Buffer, Buffer, Buffer];
    expect(refusal([b, a, c, end])).toBe("403 SignatureDoesNotMatch");
    expect(refusal([a, a, c, end])).toBe("403 SignatureDoesNotMatch");
    expect(refusal([a, b, c])).toBe("400 IncompleteBody");
    expect(refusal([a, b, end], { lengthBytes: 80 })).toBe("403 SignatureDoesNotMatch");
    expect(refusal([a, b, c, end], { seedSignature: "6".repeat(64) })).toBe("403 SignatureDoesNotMatch");
  });

  it("with bytes behind the last chunk are refused", () => {
    expect(refusal([...frames(), Buffer.from("x")])).toBe("400 IncompleteBody");
    expect(refusal([...frames(), ...frames()])).toBe("400 IncompleteBody");
  });

  it("that hold more or less than was promised are refused, and never more handed over", () => {
    expect(refusal(frames(), { lengthBytes: 121 })).toBe("400 IncompleteBody");
    expect(refusal(frames(), { lengthBytes: 0 })).toBe("400 IncompleteBody");
    let handedOver = 0;
    const decoder = createPayloadDecoder(
      { mode: { kind: "streaming-signed" }, lengthBytes: 60, trailerNames: [] },
      exampleContext("5".repeat(64)),
    );
    expect(caught(() => decoder.push(Buffer.concat(frames()), (slice) => (handedOver += slice.length))).code).toBe(
      "IncompleteBody",
    );
    expect(handedOver).toBe(40);
  });

  it("without signatures are refused where signatures are due", () => {
    expect(refusal([Buffer.from(`5${crlf}hello${crlf}0${crlf}${crlf}`)], { lengthBytes: 5 })).toBe(
      "400 IncompleteBody",
    );
  });

  it("with a size that is none, overflows or is negative are refused", () => {
    for (const size of ["", "xyz", "-1", "FFFFFFFFFFFFFFFF", "1fffffffffffffffff", "0x5", "5 ", " 5", "+5"]) {
      expect(
        refusal([Buffer.from(`${size}${crlf}hello${crlf}0${crlf}${crlf}`)], {
          mode: "streaming-unsigned-trailer",
          lengthBytes: 5,
        }),
      ).toBe("400 IncompleteBody");
    }
  });

  it("with an endless header line are refused long before it ends", () => {
    const decoder = createPayloadDecoder(
      { mode: { kind: "streaming-unsigned-trailer" }, lengthBytes: 5, trailerNames: [] },
      null,
    );
    expect(caught(() => decoder.push(Buffer.alloc(1_000_000, "5;x"), () => {})).code).toBe("IncompleteBody");
    const slow = createPayloadDecoder(
      { mode: { kind: "streaming-unsigned-trailer" }, lengthBytes: 5, trailerNames: [] },
      null,
    );
    const drip = (): void => {
      for (let i = 0; i < 300; i++) slow.push(Buffer.from("0"), () => {});
    };
    expect(caught(drip).code).toBe("IncompleteBody");
  });

  it("without CR LF behind header or data are refused", () => {
    expect(
      refusal([Buffer.from(`5\nhello${crlf}0${crlf}${crlf}`)], { mode: "streaming-unsigned-trailer", lengthBytes: 5 }),
    ).toBe("400 IncompleteBody");
    expect(
      refusal([Buffer.from(`5${crlf}hello0${crlf}${crlf}`)], { mode: "streaming-unsigned-trailer", lengthBytes: 5 }),
    ).toBe("400 IncompleteBody");
  });
});

describe("line 7: trailers", () => {
  const decode = (trailer: string, trailerNames: readonly string[]): string => {
    const stream = Buffer.from(`5${crlf}hello${crlf}0${crlf}${trailer}`, "latin1");
    const error = caught(() =>
      decodeStream(stream, { mode: "streaming-unsigned-trailer", lengthBytes: 5, trailerNames }),
    );
    return `${error.status} ${error.code}`;
  };

  it("that differ from what was announced are refused", () => {
    const crc = `x-amz-checksum-crc32:NhCmhg==${crlf}`;
    expect(decode(crlf, ["x-amz-checksum-crc32"])).toBe("400 MalformedTrailerError");
    expect(decode(crc + crlf, ["x-amz-checksum-crc32c"])).toBe("400 MalformedTrailerError");
    expect(decode(crc + crlf, [])).toBe("400 MalformedTrailerError");
    expect(decode(crc + crc + crlf, ["x-amz-checksum-crc32"])).toBe("400 MalformedTrailerError");
    expect(decode(`${crc}x-amz-trailer-signature:00${crlf}${crlf}`, ["x-amz-checksum-crc32"])).toBe(
      "400 MalformedTrailerError",
    );
  });

  it("that are cut off, malformed or endless are refused", () => {
    const names = ["x-amz-checksum-crc32"];
    expect(decode(`x-amz-checksum-crc32:NhCmhg==${crlf}`, names)).toBe("400 MalformedTrailerError");
    expect(decode("", [])).toBe("400 MalformedTrailerError");
    expect(decode(`no colon${crlf}${crlf}`, names)).toBe("400 MalformedTrailerError");
    expect(decode(`x-amz-checksum-crc32:${"A".repeat(10_000)}${crlf}${crlf}`, names)).toBe("400 MalformedTrailerError");
  });

  it("that are signed must carry a right signature", () => {
    const trailer = [["x-amz-checksum-crc32", "NhCmhg=="]] as const;
    const stream = encodeStream({ mode: "signed-trailer", chunks: [Buffer.from("hello")], trailer }).toString("latin1");
    const refusal = (text: string): string =>
      caught(() =>
        decodeStream(Buffer.from(text, "latin1"), {
          mode: "streaming-signed-trailer",
          lengthBytes: 5,
          trailerNames: ["x-amz-checksum-crc32"],
        }),
      ).code;
    expect(refusal(stream.replace("NhCmhg", "NhCmhh"))).toBe("SignatureDoesNotMatch");
    expect(refusal(stream.replace(/x-amz-trailer-signature.*\r\n/, ""))).toBe("MalformedTrailerError");
  });
});

describe("line 7: any cut of the input, and any damage to it", () => {
  const bodies = fc.array(
    fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    { maxLength: 5 },
  );
  const modes = fc.constantFrom("signed", "signed-trailer", "unsigned-trailer");
  const trailerOf = (mode: string): [string, string][] =>
    mode === "signed" ? [] : [["x-amz-checksum-crc32", "NhCmhg=="]];
  const inputOf = (mode: string, chunks: readonly Buffer[]): DecodeInput => ({
    mode: `streaming-${mode}` as PayloadMode["kind"],
    lengthBytes: Buffer.concat(chunks).length,
    trailerNames: trailerOf(mode).map(([name]) => name),
  });

  it("gives the same body however the stream is cut", () => {
    fc.assert(
      fc.property(bodies, modes, fc.array(fc.nat(600), { maxLength: 20 }), (chunks, mode, positions) => {
        const stream = encodeStream({ mode, chunks, trailer: trailerOf(mode) });
        const cuts = positions.map((position) => position % (stream.length + 1));
        const decoded = decodeStream(stream, { ...inputOf(mode, chunks), cuts });
        expect(decoded.body.equals(Buffer.concat(chunks))).toBe(true);
        expect(decoded.trailer.length).toBe(trailerOf(mode).length);
      }),
      { numRuns: 300 },
    );
  });

  it("refuses a signed stream of which one byte was changed, or reads the same from it (the case of a hex digit)", () => {
    fc.assert(
      fc.property(
        bodies,
        fc.constantFrom("signed", "signed-trailer"),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (chunks, mode, at, flip) => {
          const stream = encodeStream({ mode, chunks, trailer: trailerOf(mode) });
          stream[at % stream.length]! ^= flip;
          let decoded;
          try {
            decoded = decodeStream(stream, inputOf(mode, chunks));
          } catch (error) {
            expect(error).toMatchObject({ name: "S3Error" });
            return;
          }
          expect(decoded.body.equals(Buffer.concat(chunks))).toBe(true);
          expect(decoded.trailer).toEqual(trailerOf(mode).map(([name, value]) => ({ name, value })));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("refuses a stream that was cut short", () => {
    fc.assert(
      fc.property(bodies, modes, fc.nat(), (chunks, mode, at) => {
        const stream = encodeStream({ mode, chunks, trailer: trailerOf(mode) });
        const short = stream.subarray(0, at % stream.length);
        expect(["IncompleteBody", "MalformedTrailerError"]).toContain(
          caught(() => decodeStream(short, inputOf(mode, chunks))).code,
        );
      }),
      { numRuns: 300 },
    );
  });

  it("answers noise with an S3Error and nothing else", () => {
    const noise = fc.array(
      fc.constantFrom("0", "5", "\r\n", "hello", ";", "chunk-signature=", "x:y", "\n", "\r", "f".repeat(15)),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(noise, modes, (pieces, mode) => {
        try {
          decodeStream(Buffer.from(pieces.join("")), { ...inputOf(mode, []), lengthBytes: 5 });
        } catch (error) {
          expect(error).toMatchObject({ name: "S3Error" });
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("line 8: bodies without framing of their own", () => {
  const body = Buffer.from("hello world");
  const sha256 = createHash("sha256").update(body).digest("hex");

  it("are compared with the SHA-256 that was signed, whole and in pieces", () => {
    for (const cuts of [[], [1], [3, 7]]) {
      expect(decodeStream(body, { mode: "literal", sha256, lengthBytes: 11, cuts }).body).toEqual(body);
    }
    expect(decodeStream(body, { mode: "literal", sha256, lengthBytes: null }).body).toEqual(body);
    const error = caught(() => decodeStream(Buffer.from("hello World"), { mode: "literal", sha256, lengthBytes: 11 }));
    expect([error.status, error.code, error.detail["ClientComputedContentSHA256"]]).toEqual([
      400,
      "XAmzContentSHA256Mismatch",
      sha256,
    ]);
    expect(caught(() => decodeStream(Buffer.alloc(0), { mode: "literal", sha256, lengthBytes: 0 })).code).toBe(
      "XAmzContentSHA256Mismatch",
    );
  });

  it("must have the length that was promised", () => {
    for (const lengthBytes of [10, 12]) {
      expect(caught(() => decodeStream(body, { mode: "unsigned", lengthBytes })).code).toBe("IncompleteBody");
    }
  });
});

describe("lines 7 and 8: what is decided before a byte of the body is read", () => {
  const plain: PayloadMode = { kind: "unsigned" };
  const trailing: PayloadMode = { kind: "streaming-unsigned-trailer" };

  it("the length: Content-Length, the decoded length of aws-chunked, or none with chunked transfer", () => {
    expect(planBody(headers({ "Content-Length": "7" }), plain).lengthBytes).toBe(7);
    expect(planBody(headers({ "Transfer-Encoding": "chunked" }), plain).lengthBytes).toBeNull();
    const framed = headers({
      "Content-Length": "99",
      "X-Amz-Decoded-Content-Length": "5",
      "X-Amz-Trailer": "X-Amz-Checksum-Crc32 , ",
    });
    expect(planBody(framed, trailing)).toEqual({
      mode: trailing,
      lengthBytes: 5,
      trailerNames: ["x-amz-checksum-crc32"],
    });
    const chunked = headers({ "Transfer-Encoding": "chunked", "X-Amz-Decoded-Content-Length": "0" });
    expect(planBody(chunked, { kind: "streaming-signed" }).lengthBytes).toBe(0);
  });

  it("never by Content-Encoding: minio-go does not send it", () => {
    expect(planBody(headers({ "Content-Length": "7", "Content-Encoding": "aws-chunked" }), plain).lengthBytes).toBe(7);
  });

  it("no length: 411; a bad one: 400; too much: EntityTooLarge", () => {
    expect(caught(() => planBody(headers({}), plain))).toMatchObject({ status: 411, code: "MissingContentLength" });
    expect(caught(() => planBody(headers({ "Content-Length": "5" }), trailing)).status).toBe(411);
    for (const length of ["-1", "1e3", "", "5 5", "9".repeat(30)]) {
      expect(caught(() => planBody(headers({ "X-Amz-Decoded-Content-Length": length }), trailing))).toMatchObject({
        status: 400,
        code: "InvalidArgument",
      });
    }
    const fiveGib = 5 * 2 ** 30;
    expect(planBody(headers({ "Content-Length": String(fiveGib) }), plain).lengthBytes).toBe(fiveGib);
    expect(caught(() => planBody(headers({ "Content-Length": String(fiveGib + 1) }), plain))).toMatchObject({
      status: 400,
      code: "EntityTooLarge",
      detail: { ProposedSize: fiveGib + 1, MaxSizeAllowed: fiveGib },
    });
  });

  it("an announced trailer needs a mode that has one", () => {
    const announced = headers({ "Content-Length": "1", "x-amz-trailer": "x-amz-checksum-crc32" });
    expect(caught(() => planBody(announced, plain)).code).toBe("InvalidRequest");
  });
});
