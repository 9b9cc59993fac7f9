/** How an object may be shown: as an image of a format that holds no script, or as plain text; null: not at all. */
export type PreviewKind = { readonly kind: "image"; readonly type: string } | { readonly kind: "text" } | null;

export const previewImageBytesMax = 16 * 2 ** 20;
export const previewTextBytesMax = 64 * 2 ** 10;

const images: readonly { readonly type: string; readonly magic: readonly number[]; readonly at: number }[] = [
  { type: "image/png", magic: [0x89, 0x50, 0x4e, 0x47], at: 0 },
  { type: "image/jpeg", magic: [0xff, 0xd8, 0xff], at: 0 },
  { type: "image/gif", magic: [0x47, 0x49, 0x46, 0x38], at: 0 },
  { type: "image/webp", magic: [0x57, 0x45, 0x42, 0x50], at: 8 },
];

/** By its first bytes alone: what it says of itself decides nothing. */
export function previewKindOf(bytes: Uint8Array): PreviewKind {
  const image = images.find(({ magic, at }) => magic.every((byte, index) => bytes[at + index] === byte));
  if (image !== undefined) return { kind: "image", type: image.type };
  const shown = bytes.subarray(0, 4096);
  return shown.includes(0) ? null : { kind: "text" };
}
