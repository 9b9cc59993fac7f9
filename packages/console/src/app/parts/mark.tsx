/** The name, with its shards. */
export function Mark() {
  return (
    <span className="mark">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path className="shard-a" d="M3 3h17l-4 9 5 6-8 4 2 7H3z" />
        <path className="shard-b" d="M23 3h6v12l-5 1-4-4zM24 18l5 1v10H18l-2-6z" />
        <path className="seam" d="M21.500 2.500 17.600 12l5 6-8.200 4.200 2.300 7.300M17.600 12l6.400 5 5.500-1.500" />
      </svg>
      <span>Kakera</span>
    </span>
  );
}
