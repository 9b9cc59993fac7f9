/** On every drive that takes part in the log: contract.md section 6. */
export const journalDirectory = ".kakera/journal";
