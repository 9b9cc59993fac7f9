import { createSeededRandom } from "@kakera/kernel";
import { describe, expect, test } from "vitest";
import { areDefaultCredentials, credentialFamilies } from "../src/config/credentials.ts";
import { formatRootCredentials, generateCredentials, parseRootCredentials } from "../src/root-credentials.ts";
import { resolve } from "./sources.ts";

const given = (environment: Record<string, string>, files: Record<string, string> = {}) =>
  resolve({ environment, files }).settings.credentials;
const refusal = (...words: string[]) =>
  expect.objectContaining({
    exitCode: 2,
    message: expect.stringMatching(new RegExp(words.join(".*"))) as string,
  }) as Error;

describe("root credentials of the environment", () => {
  test.each(credentialFamilies.map((family) => [family]))("%j", (family) => {
    expect(given({ [family.user]: "someone", [family.secret]: "something" })).toMatchObject({
      accessKey: "someone",
      secretKey: "something",
    });
    const files = { "/u": "someone\n", "/s": "something\n" };
    expect(given({ [`${family.user}_FILE`]: "/u", [`${family.secret}_FILE`]: "/s" }, files)).toMatchObject({
      accessKey: "someone",
      secretKey: "something",
    });
    expect(() => given({ [family.user]: "someone" })).toThrow(refusal(family.user, family.secret));
    expect(() => given({ [family.secret]: "something" })).toThrow(refusal(family.secret, family.user));
    expect(() => given({ [family.user]: "", [family.secret]: "something" })).toThrow(refusal(family.user, "empty"));
    expect(() => given({ [family.user]: "someone", [`${family.secret}_FILE`]: "" })).toThrow(refusal("empty"));
    expect(() => given({ [family.user]: "ab", [family.secret]: "something" })).toThrow(refusal(family.user, "3"));
    expect(() => given({ [family.user]: "someone", [family.secret]: "1234567" })).toThrow(refusal(family.secret, "8"));
  });

  test("the first family wins where all agree", () => {
    const both = {
      MINIO_ROOT_USER: "someone",
      MINIO_ROOT_PASSWORD: "something",
      KAKERA_ROOT_USER: "someone",
      KAKERA_ROOT_PASSWORD: "something",
    };
    expect(given(both)?.origin).toEqual({ kind: "environment", name: "KAKERA_ROOT_USER" });
  });

  test("two families that do not agree are named both", () => {
    const both = {
      MINIO_ROOT_USER: "someone",
      MINIO_ROOT_PASSWORD: "otherwise",
      RUSTFS_ACCESS_KEY: "someone",
      RUSTFS_SECRET_KEY: "something",
    };
    expect(() => given(both)).toThrow(refusal("MINIO_ROOT_USER", "RUSTFS_ACCESS_KEY"));
  });

  test("a value and its file at once are refused", () => {
    expect(() => given({ KAKERA_ROOT_USER: "someone", KAKERA_ROOT_USER_FILE: "/u" }, { "/u": "x" })).toThrow(
      refusal("KAKERA_ROOT_USER_FILE"),
    );
  });

  test("a file of variables gives them too, after the environment", () => {
    const files = { "/e": "MINIO_ROOT_USER=fromfile\nMINIO_ROOT_PASSWORD=something\n" };
    expect(given({ MINIO_CONFIG_ENV_FILE: "/e" }, files)).toMatchObject({ accessKey: "fromfile" });
    const environment = {
      MINIO_CONFIG_ENV_FILE: "/e",
      KAKERA_ROOT_USER: "fromhere",
      KAKERA_ROOT_PASSWORD: "something",
    };
    expect(given(environment, files)).toMatchObject({ accessKey: "fromhere" });
  });
});

test("well-known pairs are told", () => {
  expect(areDefaultCredentials({ accessKey: "minioadmin", secretKey: "minioadmin" })).toBe(true);
  expect(areDefaultCredentials({ accessKey: "rustfsadmin", secretKey: "rustfsadmin" })).toBe(true);
  expect(areDefaultCredentials({ accessKey: "minioadmin", secretKey: "rustfsadmin" })).toBe(false);
});

describe("generated credentials", () => {
  test("have 20 and 40 characters that need no quoting, and differ from seed to seed", () => {
    const pairs = [1, 2, 3].map((seed) => generateCredentials(createSeededRandom(seed)));
    for (const { accessKey, secretKey } of pairs) {
      expect(accessKey).toMatch(/^[A-Z2-9]{20}$/);
      expect(secretKey).toMatch(/^[A-Za-z2-9]{40}$/);
    }
    expect(new Set(pairs.map((pair) => pair.secretKey)).size).toBe(3);
  });

  test("survive their file", () => {
    const pair = generateCredentials(createSeededRandom(7));
    expect(parseRootCredentials(formatRootCredentials(pair), "/f")).toEqual(pair);
    expect(parseRootCredentials("", "/f")).toBeNull();
  });
});
