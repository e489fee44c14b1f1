import { EngineError } from '../error/engine-error.ts';

/** What SQLite says of the place of a file, by its code, and what helps. */
const TROUBLE: Readonly<Record<number, string>> = {
  3: 'may not be read or written: give its files to the account of Waybill',
  8: 'can only be read: make its disk and its files writable for the account of Waybill',
  10: 'cannot be read or written: look at its disk, and at what the system logged of it',
  13: 'has no space left on its disk: free some',
  14: 'cannot be opened: check that its folder is there, and that the account of Waybill may read and write in it',
};

/**
 * A failure of SQLite that is one of the disk, the folder or the rights, as an error that says so.
 *
 * @param folder where its files are
 * @returns any other as it is
 */
export function sqliteTrouble(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error;
  const trouble = TROUBLE[Number(error.errcode) & 0xff];
  if (trouble === undefined) return error;
  const text = `the database in ${folder} ${trouble}; then nothing else has to be done here`;
  return new EngineError('STORE_UNAVAILABLE', text, { retryable: true });
}
