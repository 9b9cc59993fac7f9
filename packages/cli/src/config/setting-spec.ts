/** One row of the contract's table of server settings. */
export interface SettingSpec<T> {
  /** The name on the command line and in a configuration file, without dashes in front: "console-address". */
  readonly name: string;
  /** What follows the flag; null: the flag is a switch, and its presence means "on". */
  readonly argument: string | null;
  /** Not to be given as a flag: secrets, and what only the environment sets. */
  readonly isFlag: boolean;
  readonly short?: string;
  readonly environment: string;
  /** Also read from a file that ENVIRONMENT_FILE names; masked when shown. */
  readonly isSecret: boolean;
  /** Names of MinIO and RustFS, in order; `translate` gives the value in our words, or null: it says nothing here. */
  readonly alsoUnderstood: readonly ForeignName[];
  /** Given more than once as a flag, a list in a file, separated in the environment. */
  readonly split: ((text: string) => string[]) | null;
  readonly parse: (items: readonly string[]) => T;
  readonly fallback: T;
  readonly fallbackText: string;
  readonly help: string;
}

export interface ForeignName {
  readonly name: string;
  readonly translate: (text: string) => string | null;
}

type Details<T> = {
  readonly flag?: string | null;
  readonly isFlag?: boolean;
  readonly short?: string;
  readonly environment: string;
  readonly isSecret?: boolean;
  readonly alsoUnderstood?: readonly (string | ForeignName)[];
  readonly fallback: T;
  readonly fallbackText: string;
  readonly help: string;
};

/** A setting with one value. `parse` throws InvalidValue. */
export function setting<T>(name: string, parse: (text: string) => T, details: Details<T>): SettingSpec<T> {
  return specOf(name, details, null, (items) => parse(items.at(-1) as string));
}

/** A setting with a list of values; the environment separates them by commas or spaces. */
export function listSetting<T>(
  name: string,
  parse: (text: string) => T,
  details: Details<readonly T[]> & { readonly split?: (text: string) => string[] },
): SettingSpec<readonly T[]> {
  return specOf<readonly T[]>(name, details, details.split ?? splitWords, (items) => items.map((item) => parse(item)));
}

function specOf<T>(
  name: string,
  details: Details<T>,
  split: SettingSpec<T>["split"],
  parse: SettingSpec<T>["parse"],
): SettingSpec<T> {
  return {
    name,
    argument: details.flag ?? null,
    isFlag: details.isFlag ?? true,
    ...(details.short === undefined ? {} : { short: details.short }),
    environment: details.environment,
    isSecret: details.isSecret ?? false,
    alsoUnderstood: (details.alsoUnderstood ?? []).map((foreign) =>
      typeof foreign === "string" ? { name: foreign, translate: (text: string) => text } : foreign,
    ),
    split,
    parse,
    fallback: details.fallback,
    fallbackText: details.fallbackText,
    help: details.help,
  };
}

function splitWords(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}
