let start: usize = 0;

/** Chooses the region that every later call of this instance works in. */
export function moveRegion(to: usize): void {
  start = to;
}

/** The address of a region offset. */
export function inRegion(offset: usize): usize {
  return start + offset;
}
