import { DiskError } from "@kakera/kernel";
import { CommandFailure } from "../command-failure.ts";
import { chownLine } from "../doctor/findings.ts";
import type { UserFacts } from "../doctor/machine-probe.ts";
import { exitCodes } from "../exit-codes.ts";
import type { FolderAccess } from "./folder-access.ts";

const denials: readonly string[] = ["EACCES", "EPERM", "EROFS"];

export function isDenial({ code }: DiskError): boolean {
  return denials.includes(code);
}

/** Does work on a drive folder at the start; when the folder is not ours to use, says the line that makes it so (exit code 5). */
export async function asPermitted<T>(
  folder: { readonly place: string; readonly user: UserFacts; readonly access: Pick<FolderAccess, "existing"> },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DiskError) || !isDenial(error)) throw error;
    throw new CommandFailure("NOT_PERMITTED", `user ${folder.user.uid} may not use ${folder.place} (${error.code})`, {
      exitCode: exitCodes.notPermitted,
      remedy:
        error.code === "EROFS"
          ? "mount it for writing"
          : chownLine(await folder.access.existing(folder.place), folder.user),
      cause: error,
    });
  }
}
