import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Commit } from './kept-version.ts';

/** Milliseconds: a work tree on a slow disk must hold nothing up. */
const LIMIT = 5_000;

/** The commit that a folder stands at; undefined where it is no work tree of git, or git is not there. */
export async function commitOf(folder: string): Promise<Commit | undefined> {
  try {
    // git is a process of its own, and most productions are in no work tree
    if (!(await mayBeInWorkTree(folder))) return undefined;
    const id = (await git(folder, 'rev-parse', '--verify', 'HEAD')).trim();
    const changes = await git(folder, 'status', '--porcelain', '--', '.');
    return { id, changed: changes.trim() !== '' };
  } catch {
    // no git, no work tree, no commit yet, or a work tree of somebody else: there is nothing to name
    return undefined;
  }
}

/** As git looks for it: in the folder and above, unless it is told where. */
async function mayBeInWorkTree(folder: string): Promise<boolean> {
  if (process.env['GIT_DIR'] !== undefined) return true;
  for (let at = await realpath(folder); ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return true;
    if (at === dirname(at)) return false;
  }
}

/** Commits these files of a folder, and nothing else that is staged. Rejects with what git says. */
export async function commitFiles(
  folder: string,
  paths: readonly string[],
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<void> {
  const name = by.replace(/[<>\n]/g, ' ').trim() || 'waybill';
  const who = ['-c', `user.name=${name}`, '-c', 'user.email=waybill@localhost'];
  await git(folder, 'add', '--all', '--', ...paths);
  await git(folder, ...who, 'commit', '--quiet', '--message', reason, '--only', '--', ...paths);
}

/** `core.fsmonitor` would run a program that the repository names. */
async function git(folder: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'git',
    ['-C', folder, '-c', 'core.fsmonitor=false', ...words],
    { timeout: LIMIT, maxBuffer: 16 * 1024 * 1024 },
  );
  return stdout;
}
