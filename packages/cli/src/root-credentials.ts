import type { Random } from "@kakera/kernel";
import type { Credentials } from "./config/credentials.ts";
import { readEnvironmentFile } from "./config/read-config-file.ts";

/** On every drive, readable by its owner only: contract.md section 4. */
export const rootCredentialsPath = ".kakera/root-credentials";

const accessKeyCharacters = 20;
const secretKeyCharacters = 40;
/** Letters and digits that are not taken for each other when read aloud. */
const capitals = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const letters = `${capitals}abcdefghijkmnopqrstuvwxyz`;

export function generateCredentials(random: Random): Credentials {
  return {
    accessKey: draw(accessKeyCharacters, { alphabet: capitals, random }),
    secretKey: draw(secretKeyCharacters, { alphabet: letters, random }),
  };
}

/** Evenly drawn: bytes beyond the last whole multiple of the alphabet are passed over. */
function draw(characters: number, from: { readonly alphabet: string; readonly random: Random }): string {
  const { alphabet, random } = from;
  const usable = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < characters) {
    for (const byte of random.bytes(characters)) {
      if (byte < usable && text.length < characters) text += alphabet[byte % alphabet.length] as string;
    }
  }
  return text;
}

/** The file's content: VAR=value lines, so that a shell can take it in as it is. */
export function formatRootCredentials(credentials: Credentials): string {
  return [
    "# Root key of this Kakera. Keep it secret. It is used while no root credentials come by environment.",
    `KAKERA_ROOT_USER=${credentials.accessKey}`,
    `KAKERA_ROOT_PASSWORD=${credentials.secretKey}`,
    "",
  ].join("\n");
}

/** null: the file does not hold a pair. */
export function parseRootCredentials(text: string, path: string): Credentials | null {
  const variables = readEnvironmentFile(text, path);
  const accessKey = variables["KAKERA_ROOT_USER"];
  const secretKey = variables["KAKERA_ROOT_PASSWORD"];
  return accessKey === undefined || secretKey === undefined ? null : { accessKey, secretKey };
}
