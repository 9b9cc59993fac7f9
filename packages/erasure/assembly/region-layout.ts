// The one 64 KiB region of the memory that the kernel works in: offsets from its start, in bytes.
// Read by the AssemblyScript kernel and by src/ alike, so there are plain constants here and nothing else.

/** 256 entries of 32 bytes: for each coefficient c, c * x for x = 0..15, then c * (x << 4). */
export const nibbleTablesAt = 0;
/** The tables of one multiplication in the order in which the inner loops read them; at most 256 coefficients. */
export const planAt = 8192;
/** The matrix of one multiplication, row by row, one byte each; at most 256. */
export const coefficientsAt = 16384;
/** u32 addresses of the input shards; at most 32. */
export const inputsAt = 16640;
/** u32 addresses of the output shards; at most 32. */
export const outputsAt = 16768;
/** XXH3's default secret, 192 bytes. */
export const secretAt = 16896;
/** The secret with the present seed mixed in, 192 bytes. */
export const seededSecretAt = 17152;
/** Eight u64 accumulators of a long XXH3 between calls. */
export const accumulatorsAt = 17408;
/** 16 bytes of 0x0F. */
export const nibbleMaskAt = 17472;
/** MD5's 64 u32 constants. */
export const md5ConstantsAt = 17536;
/** u32 a of eight lanes, then b, c and d. */
export const md5StatesAt = 17792;
/** u32 addresses of the eight lanes' next blocks; they move on as blocks are taken. */
export const md5AddressesAt = 17920;
/** One block of eight lanes, word by word. */
export const md5WordsAt = 17984;
/** 128 bytes for each lane: its unfinished block, and its padding. */
export const md5TailsAt = 18496;
export const md5LanesMax = 8;
/** u64 checksums of up to `digestBlocksMax` blocks, little-endian. */
export const digestsAt = 20480;
export const digestBlocksMax = 1024;
/** Where bytes from outside the memory are copied to be hashed. */
export const stagingAt = 32768;
export const stagingSizeBytes = 32768;

export const regionSizeBytes = 65536;
