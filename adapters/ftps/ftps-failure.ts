import { posix } from 'node:path';
import { EngineError } from 'waybill/adapter';
import { FileError, type FileProblem } from 'waybill/peer/folder';

/** What was being done, for the text of an error. */
export type Doing = 'list' | 'look at' | 'read' | 'write' | 'rename' | 'delete' | 'make';

/** The reply code of a refused command; undefined for an error that is not a reply. */
export function replyCode(error: unknown): number | undefined {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

const BY_CODE: ReadonlyMap<number, FileProblem> = new Map([
  [452, 'full'],
  [500, 'unsupported'],
  [501, 'failed'],
  [502, 'unsupported'],
  [504, 'unsupported'],
  [530, 'denied'],
  [532, 'denied'],
  [552, 'full'],
]);

/** 550 and 553 mean many things; their text differs between servers. */
const BY_TEXT: readonly (readonly [RegExp, FileProblem])[] = [
  [/quota|no space|disk full|space left|insufficient|exceeded/i, 'full'],
  [/already exists|file exists/i, 'exists'],
  [/no such|not found|does ?n.t exist|does not exist|cannot find/i, 'missing'],
  [/permission|denied|not permitted|not allowed|read-only|access/i, 'denied'],
];

/**
 * What a refusal means; undefined for an error that has nothing to do with the server, or that does
 * not tell the cause.
 */
export function problemOf(error: unknown): FileProblem | undefined {
  const code = replyCode(error);
  if (code === undefined) return undefined;
  const { message } = error as Error;
  return BY_CODE.get(code) ?? BY_TEXT.find(([pattern]) => pattern.test(message))?.[1] ?? 'failed';
}

export interface FailureAt {
  readonly place: string;
  readonly doing: Doing;
  readonly path: string;
}

/**
 * Turns a refused command into the error to throw; a lost connection, or a body that broke off, is
 * passed on. The name of a file is not quoted in the text; the server's own words, which may do so,
 * are its detail.
 */
export function fileFailure(
  error: unknown,
  at: FailureAt,
  problem: FileProblem | undefined = problemOf(error),
): unknown {
  if (error instanceof EngineError || problem === undefined) return error;
  const code = replyCode(error);
  if (code === undefined) return ownFailure(at, problem);
  return ownFailure(at, problem, { answer: ` (${code})`, detail: (error as Error).message });
}

/** The same for problems that we found ourselves. */
export function ownFailure(
  at: FailureAt,
  problem: FileProblem,
  { answer = '', detail }: { readonly answer?: string; readonly detail?: string } = {},
): FileError {
  const folder = at.doing === 'list' || at.doing === 'make' ? at.path : posix.dirname(at.path);
  const text = TEXT[problem]({ ...at, folder, answer });
  return new FileError(problem, text, { ...(detail !== undefined && { detail }) });
}

interface Where extends FailureAt {
  readonly folder: string;
  readonly answer: string;
}

const PATH =
  'Correct the path (without a leading / it starts where the sign-in starts), or have the folder created';

const TEXT: Readonly<Record<FileProblem, (where: Where) => string>> = {
  missing: ({ place, doing, folder, answer }) =>
    doing === 'list'
      ? `There is no folder ${folder} on ${place}, or we may not enter it${answer}. ${PATH}.`
      : `There is no such file or folder in ${folder} on ${place}${answer}. ${PATH}.`,
  denied: ({ place, doing, folder, answer }) =>
    `${place} does not allow us to ${doing} in ${folder}${answer}. Ask its owner for the permission, or correct the path.`,
  full: ({ place, answer }) =>
    `The disk or the quota of ${place} is full${answer}. It is retried; ask its owner to make room.`,
  exists: ({ place, folder }) =>
    `There is already something of that name in ${folder} on ${place}. Move it away.`,
  unsupported: ({ place, doing, folder, answer }) =>
    `${place} cannot ${doing} in ${folder}: it has no such command${answer}. Ask its owner.`,
  changed: ({ place, folder }) =>
    `A file in ${folder} on ${place} was changed while it was read. It is read again once it no longer changes.`,
  failed: ({ place, doing, folder, answer }) =>
    `${place} could not ${doing} in ${folder}${answer}. Its disk or a quota may be full, or the file in use: look at its log.`,
};
