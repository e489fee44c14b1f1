import type { FileEdit } from '../definition/history/checked-files.ts';
import { ApiError } from '../web/api-error.ts';

/** Bytes of all files of one change: they travel to the engines in one request. */
const AT_ONCE = 700 * 1024;

/** Throws REQUEST_INVALID or MESSAGE_TOO_LARGE. */
export function checkEdits(edits: readonly FileEdit[]): void {
  const bytes = edits.reduce((sum, { text = '' }) => sum + Buffer.byteLength(text), 0);
  if (edits.length === 0) throw new ApiError(400, 'REQUEST_INVALID', 'nothing is changed');
  if (new Set(edits.map(({ path }) => path)).size < edits.length)
    throw new ApiError(400, 'REQUEST_INVALID', 'one file is changed twice');
  if (bytes > AT_ONCE)
    throw new ApiError(413, 'MESSAGE_TOO_LARGE', 'these files are too large to be changed at once');
}
