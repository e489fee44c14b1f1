import { type FileEntry, type FileStore, inFolder, isFileProblem } from './file-store.ts';

/** A file that was found: its path below the folder, and in the store. */
export interface FoundFile extends FileEntry {
  /** `ward-3/lab.hl7`: relative to the folder that is looked at. */
  readonly relative: string;
  readonly path: string;
}

export interface Scan {
  readonly files: readonly FoundFile[];
  /** Subfolders that could not be listed; their content is unknown, not gone. */
  readonly unlisted: readonly string[];
}

export interface ScanScope {
  readonly folder: string;
  /** How many levels below the folder are included; 0 is only the folder. */
  readonly subfolders: number;
  /** Folders that are not entered: archive and the like may be inside. */
  readonly without: readonly string[];
}

/** A folder that is still to be listed. */
interface Waiting {
  readonly path: string;
  readonly relative: string;
  readonly level: number;
  /** The folders in which links were followed on the way to it. */
  readonly left: readonly string[];
}

/** Lists a folder and the wanted number of levels below it. Throws only if the folder itself cannot be listed. */
export async function scanFolder(store: FileStore, scope: ScanScope): Promise<Scan> {
  const files: FoundFile[] = [];
  const unlisted: string[] = [];
  const waiting: Waiting[] = [{ path: scope.folder, relative: '', level: 0, left: [] }];
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
    const entries = await listBelow(store, at, unlisted);
    for (const entry of entries) {
      if (!isOneName(entry.name)) continue;
      const relative = at.relative === '' ? entry.name : `${at.relative}/${entry.name}`;
      const path = inFolder(at.path, entry.name);
      if (entry.kind === 'file') files.push({ ...entry, relative, path });
      const enter = entry.kind === 'folder' && at.level < scope.subfolders;
      if (!enter || scope.without.includes(path)) continue;
      const left = entry.linked === true ? [...at.left, at.path] : at.left;
      if (entry.linked === true && (await leadsBack(store, path, left))) continue;
      waiting.push({ path, relative, level: at.level + 1, left });
    }
  }
  return { files, unlisted };
}

/** Whether a link leads back to a folder on the way to it: the same files would be found again, under as many names as there are levels. */
async function leadsBack(
  store: FileStore,
  link: string,
  left: readonly string[],
): Promise<boolean> {
  const paths = [link, ...left].map(async (path) => await store.real?.(path));
  const [to, ...from] = await Promise.all(paths);
  if (to === undefined) return false;
  const within = to.endsWith('/') ? to : `${to}/`;
  return from.some((one) => one !== undefined && `${one}/`.startsWith(within));
}

/** A server may list anything: a name that leads out of its folder is not a file in it. */
function isOneName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

async function listBelow(
  store: FileStore,
  at: { readonly path: string; readonly level: number },
  unlisted: string[],
): Promise<readonly FileEntry[]> {
  try {
    return await store.list(at.path);
  } catch (error) {
    // A subfolder may be closed to us, or be removed while we look; the rest of the folder is still
    // used.
    if (at.level === 0 || !isFileProblem(error, 'denied', 'missing')) throw error;
    unlisted.push(at.path);
    return [];
  }
}
