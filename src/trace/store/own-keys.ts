import type { LargeBody } from '../search.ts';
import { searchFields, searchOfFingerprint } from '../search-fields.ts';
import type { KeyReader } from '../trace-store.ts';

/** Reads the search keys of a body by the search fields that the store is indexed by: its note `fields`. */
export function ownKeyReader(
  fields: () => Promise<string | undefined> | string | undefined,
  largeBody: LargeBody,
): KeyReader {
  let reading: Promise<ReturnType<typeof searchFields>> | undefined;
  const read = async (): Promise<ReturnType<typeof searchFields>> =>
    searchFields(searchOfFingerprint(await fields()) ?? new Map());
  return async (body) => {
    const bytes =
      body.bytes ?? (body.ref === undefined ? undefined : await largeBody(body.ref, body.size));
    reading ??= read();
    return bytes === undefined ? [] : (await reading)(bytes, body);
  };
}
