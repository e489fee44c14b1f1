import { randomUUID } from 'node:crypto';
import { type FileStore, inFolder } from './file-store.ts';

/**
 * Writes an empty file under a temporary name and deletes it: a step of connection tests. Receivers
 * ignore such names.
 */
export async function tryWriting(
  store: FileStore,
  folder: string,
  temporary: string,
): Promise<void> {
  const path = inFolder(folder, temporary.replaceAll('*', `waybill-test-${randomUUID()}`));
  await store.write(path, nothing(), new AbortController().signal);
  await store.remove(path);
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {
  // An empty file is enough to see whether files may be created and deleted.
}
