import { posix } from 'node:path';
import { EngineError } from 'waybill/adapter';
import { FileError, type FileProblem } from 'waybill/peer/folder';

/** What was being done, for the text of an error. */
export type Doing = 'list' | 'look at' | 'read' | 'write' | 'rename' | 'delete' | 'make';

/** By the code of the SFTP drafts: servers of version 3 know 2 to 8, but some send later ones. */
const BY_CODE: ReadonlyMap<number, FileProblem> = new Map([
  [2, 'missing'],
  [3, 'denied'],
  [8, 'unsupported'],
  [10, 'missing'],
  [11, 'exists'],
  [12, 'denied'],
  [14, 'full'],
  [15, 'full'],
]);

/** What servers write with code 4, `Failure`, which covers everything else. */
const BY_TEXT: readonly (readonly [RegExp, FileProblem])[] = [
  [/quota|no space|disk full|space left|insufficient space/i, 'full'],
  [/already exists|file exists/i, 'exists'],
  [/no such|not found|does not exist|cannot find/i, 'missing'],
  [/permission|denied|not allowed|read-only/i, 'denied'],
];

/** The code of an answer; undefined for an error that is not an answer of the server. */
export function codeOf(error: unknown): number | undefined {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

/** What was wrong; undefined for an error that has nothing to do with the server. */
export function problemOf(error: unknown): FileProblem | undefined {
  const { message } = error as Error;
  // The library refuses an extension that the server lacks without asking.
  if (/does not support this extended request/.test(message)) return 'unsupported';
  const code = codeOf(error);
  if (code === undefined) return undefined;
  return BY_CODE.get(code) ?? BY_TEXT.find(([pattern]) => pattern.test(message))?.[1] ?? 'failed';
}

/**
 * Turns a refused request into the error to throw; a lost connection, or a body that broke off, is
 * passed on. The name of a file is not quoted in the text; the server's own words, which may do so,
 * are its detail.
 */
export function fileFailure(
  error: unknown,
  { place, doing, path }: { readonly place: string; readonly doing: Doing; readonly path: string },
): unknown {
  const problem = problemOf(error);
  if (error instanceof EngineError || problem === undefined) return error;
  const folder = doing === 'list' || doing === 'make' ? path : posix.dirname(path);
  const { message } = error as Error;
  return new FileError(problem, TEXT[problem]({ place, doing, folder: folder || '.' }), {
    ...(codeOf(error) !== undefined && !SAYS_NOTHING.test(message) && { detail: message }),
  });
}

const SAYS_NOTHING = /^(?:failure|bad message)?\.?$/i;

interface Where {
  readonly place: string;
  readonly doing: Doing;
  readonly folder: string;
}

const WHERE =
  'Correct the path (without a leading / it starts where the sign-in starts), or have the folder created';

const TEXT: Readonly<Record<FileProblem, (where: Where) => string>> = {
  missing: ({ place, doing, folder }) =>
    doing === 'list'
      ? `There is no folder ${folder} on ${place}. ${WHERE}.`
      : `There is no such file or folder in ${folder} on ${place}. ${WHERE}.`,
  denied: ({ place, doing, folder }) =>
    `${place} does not allow us to ${doing} in ${folder}. Ask its owner for the permission, or correct the path.`,
  full: ({ place }) =>
    `The disk or the quota of ${place} is full. It is retried; ask its owner to make room.`,
  exists: ({ place, folder }) =>
    `There is already something of that name in ${folder} on ${place}. Move it away.`,
  unsupported: ({ place, doing, folder }) =>
    `${place} cannot ${doing} in ${folder}: it has no such function. Ask its owner.`,
  changed: ({ place, folder }) =>
    `A file in ${folder} on ${place} was changed while it was read. It is read again once it no longer changes.`,
  failed: ({ place, doing, folder }) =>
    `${place} could not ${doing} in ${folder} and does not say why. Its disk or a quota may be full, or the file locked: look at its log.`,
};
