import { EngineError } from '../error/engine-error.ts';

/** The error for a database written by a newer version; it is not changed. */
export function newerVersion(
  what: string,
  {
    found,
    known,
    remedy,
  }: { readonly found: number; readonly known: number; readonly remedy: string },
): EngineError {
  return new EngineError(
    'STORE_UNAVAILABLE',
    `${what} was written by a newer version of Waybill (its schema is number ${found}, this version knows ${known}): run that version again, or ${remedy}; nothing was changed`,
  );
}
