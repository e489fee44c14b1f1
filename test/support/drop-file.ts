import { rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Writes a file where somebody looks: all of it is there at once, as from any sender who does it right. With `writeFile`
 * a look may find it empty or half written, on a busy machine one of thousands does.
 *
 * @param path below `tmpdir()`, or on its disk
 */
export async function dropFile(path: string, content: string | Uint8Array): Promise<void> {
  // tmpdir() itself forgets it while the process has another account
  const folder = process.env['TMPDIR'] ?? tmpdir();
  const written = join(folder, `waybill-drop-${crypto.randomUUID()}`);
  await writeFile(written, content, { mode: 0o644 });
  await rename(written, path);
}
