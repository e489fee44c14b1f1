import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { FileEdit, FilesOf } from '../definition/history/checked-files.ts';
import { hasMarks, hideSecrets, withSecrets } from '../language/hidden-secrets.ts';
import type { FileDraft } from '../operator/draft-store.ts';
import type { Engines } from '../operator/engines.ts';
import { ApiError } from '../web/api-error.ts';

type Files = Pick<Engines, 'files' | 'fileText'>;

/** The content of a file, with a mark for each secret that is written in the clear: people need not see it, and it outlives their change. */
export async function shownFile(
  { fileText }: Pick<Engines, 'fileText'>,
  of: FilesOf,
  path: string,
): ReturnType<Engines['fileText']> {
  const file = await fileText({ of, path });
  return file.text === undefined ? file : { ...file, text: hiddenOnce(path, file.text) };
}

/** Marked texts of large files: finding the secrets in 11,000 lines takes this thread up to a second. */
const shownLately = new LRUCache<string, string>({ max: 20, maxSize: 16 * 1024 * 1024 });
const LARGE = 16 * 1024;

function hiddenOnce(path: string, text: string): string {
  if (text.length < LARGE) return hideSecrets(path, text);
  const key = hash('sha256', `${path}\0${text}`);
  const known = shownLately.get(key);
  if (known !== undefined) return known;
  const shown = hideSecrets(path, text);
  shownLately.set(key, shown, { size: shown.length });
  return shown;
}

/** Changes with the secrets for which they have marks, from the files as they are now. Throws CONFIG_INVALID. */
export async function withHidden<Edit extends FileEdit>(
  engines: Files,
  edits: readonly Edit[],
): Promise<Edit[]> {
  const marked = edits.some(({ path, text = '' }) => hasMarks(path, text));
  if (!marked) return [...edits];
  const files = new Map<string, string>();
  for (const { path } of await engines.files('disk')) {
    if (!/\.ya?ml$/i.test(path)) continue;
    const { text } = await engines.fileText({ of: 'disk', path });
    if (text !== undefined) files.set(path, text);
  }
  return edits.map((edit) =>
    edit.text === undefined ? edit : { ...edit, text: withSecrets(edit.path, edit.text, files) },
  );
}

/** The edits of a proposed change. Throws CREDENTIAL_MISSING if they were sealed with a key that is not here. */
export function editsIn({ id, edits }: Pick<FileDraft, 'id' | 'edits'>): readonly FileEdit[] {
  if (edits !== undefined) return edits;
  throw new ApiError(
    422,
    'CREDENTIAL_MISSING',
    `change ${id} was sealed with a master key that is not here: set WAYBILL_MASTER_KEY_BEFORE to it, or refuse the change and propose it again`,
  );
}
