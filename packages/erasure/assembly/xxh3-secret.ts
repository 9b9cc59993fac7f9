import { inRegion } from "./region";
import { secretAt, seededSecretAt } from "./region-layout";

export const secretSizeBytes: usize = 192;

export function fillSecret(): void {
  const to = inRegion(secretAt);
  store<u64>(to, bswap<u64>(0xb8fe6c3923a44bbe), 0);
  store<u64>(to, bswap<u64>(0x7c01812cf721ad1c), 8);
  store<u64>(to, bswap<u64>(0xded46de9839097db), 16);
  store<u64>(to, bswap<u64>(0x7240a4a4b7b3671f), 24);
  store<u64>(to, bswap<u64>(0xcb79e64eccc0e578), 32);
  store<u64>(to, bswap<u64>(0x825ad07dccff7221), 40);
  store<u64>(to, bswap<u64>(0xb8084674f743248e), 48);
  store<u64>(to, bswap<u64>(0xe03590e6813a264c), 56);
  store<u64>(to, bswap<u64>(0x3c2852bb91c300cb), 64);
  store<u64>(to, bswap<u64>(0x88d0658b1b532ea3), 72);
  store<u64>(to, bswap<u64>(0x71644897a20df94e), 80);
  store<u64>(to, bswap<u64>(0x3819ef46a9deacd8), 88);
  store<u64>(to, bswap<u64>(0xa8fa763fe39c343f), 96);
  store<u64>(to, bswap<u64>(0xf9dcbbc7c70b4f1d), 104);
  store<u64>(to, bswap<u64>(0x8a51e04bcdb45931), 112);
  store<u64>(to, bswap<u64>(0xc89f7ec9d9787364), 120);
  store<u64>(to, bswap<u64>(0xeac5ac8334d3ebc3), 128);
  store<u64>(to, bswap<u64>(0xc581a0fffa1363eb), 136);
  store<u64>(to, bswap<u64>(0x170ddd51b7f0da49), 144);
  store<u64>(to, bswap<u64>(0xd316552629d4689e), 152);
  store<u64>(to, bswap<u64>(0x2b16be587d47a1fc), 160);
  store<u64>(to, bswap<u64>(0x8ff8b8d17ad031ce), 168);
  store<u64>(to, bswap<u64>(0x45cb3a8f95160428), 176);
  store<u64>(to, bswap<u64>(0xafd7fbcabb4b407e), 184);
}

/** Mixes the seed into the secret, as inputs over 240 bytes want it. */
export function seedSecret(seed: u64): void {
  const from = inRegion(secretAt);
  const to = inRegion(seededSecretAt);
  const change = i64x2.replace_lane(i64x2.splat(seed), 1, 0 - seed);
  for (let at: usize = 0; at < secretSizeBytes; at += 16) {
    v128.store(to + at, i64x2.add(v128.load(from + at), change));
  }
}
