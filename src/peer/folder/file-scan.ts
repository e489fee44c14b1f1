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

/** Lists a folder and the wanted number of levels below it. Throws only if the folder itself cannot be listed. */
export async function scanFolder(store: FileStore, scope: ScanScope): Promise<Scan> {
  const files: FoundFile[] = [];
  const unlisted: string[] = [];
  const waiting = [{ path: scope.folder, relative: '', level: 0 }];
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
    const entries = await listBelow(store, at, unlisted);
    for (const entry of entries) {
      if (!isOneName(entry.name)) continue;
      const relative = at.relative === '' ? entry.name : `${at.relative}/${entry.name}`;
      const path = inFolder(at.path, entry.name);
      if (entry.kind === 'file') files.push({ ...entry, relative, path });
      const enter = entry.kind === 'folder' && at.level < scope.subfolders;
      if (enter && !scope.without.includes(path)) {
        waiting.push({ path, relative, level: at.level + 1 });
      }
    }
  }
  return { files, unlisted };
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
