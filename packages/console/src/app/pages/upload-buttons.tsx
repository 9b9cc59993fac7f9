import { useRef, type ChangeEvent } from "react";
import { Drawn } from "../parts/icons.tsx";
import { filesOfInput } from "../upload/gather-files.ts";
import type { PickedFile } from "../upload/upload-queue.ts";

export function UploadButtons({ pick }: { readonly pick: (files: readonly PickedFile[]) => void }) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = ({ target }: ChangeEvent<HTMLInputElement>): void => {
    const picked = filesOfInput(target.files ?? new DataTransfer().files);
    // The same file may be picked again.
    target.value = "";
    if (picked.length > 0) pick(picked);
  };
  return (
    <>
      <input ref={files} id="pick-files" type="file" multiple hidden onChange={take} />
      {/* React knows the attribute; it makes the input take a folder. */}
      <input ref={folder} id="pick-folder" type="file" webkitdirectory="" hidden onChange={take} />
      <button type="button" className="button" onClick={() => folder.current?.click()}>
        Upload a folder
      </button>
      <button type="button" className="button primary" onClick={() => files.current?.click()}>
        <Drawn name="upload" /> Upload files
      </button>
    </>
  );
}
