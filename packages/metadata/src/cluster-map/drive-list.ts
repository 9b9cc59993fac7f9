import { idFromBytes, type DriveId } from "@kakera/kernel";
import { records } from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { View } from "../ports/view.ts";
import type { MappedDrive } from "./map-rows.ts";

/** The drives that the cluster record names; the same array as long as nothing changed. */
export class DriveList {
  readonly #view: View;
  readonly #driveOf: (driveId: DriveId) => MappedDrive | null;
  readonly #clusterKey = keys.cluster();
  #clusterRevision = -1;
  #ids: readonly DriveId[] = [];
  #list: readonly MappedDrive[] = [];

  constructor(view: View, driveOf: (driveId: DriveId) => MappedDrive | null) {
    this.#view = view;
    this.#driveOf = driveOf;
  }

  read(): readonly MappedDrive[] {
    this.#readIds();
    const list = this.#ids
      .map((id) => this.#driveOf(id))
      .filter((drive) => drive !== null && drive.standing !== "GONE");
    const isSame = list.length === this.#list.length && list.every((drive, i) => drive === this.#list[i]);
    if (!isSame) this.#list = list as readonly MappedDrive[];
    return this.#list;
  }

  #readIds(): void {
    this.#view.with(this.#clusterKey, (value, revision) => {
      if (revision === this.#clusterRevision) return true;
      this.#ids = records.ClusterRecord.decode(value).drives.map((bytes) => idFromBytes("drive", bytes));
      this.#clusterRevision = revision;
      return true;
    });
  }
}
