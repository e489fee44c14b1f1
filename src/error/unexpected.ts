import { describeError, isEngineError } from './engine-error.ts';

/** A reported unexpected error: never with the text of a foreign error, which may quote a body. */
export interface Unexpected {
  /** What was being done, in a fixed text of ours. */
  readonly what: string;
  readonly name: string;
  readonly code: string;
  /** Its stack without its text, and those of its causes. */
  readonly stack: readonly string[];
  /** How often it has occurred since it was last reported, including this time. */
  readonly times: number;
  /** The error itself: only for a log at level debug. */
  readonly error: unknown;
}

export type UnexpectedListener = (unexpected: Unexpected) => void;

const listeners = new Set<UnexpectedListener>();

/** Milliseconds for which equal errors are only counted: a loop that fails every time must not fill the log. */
const QUIET = 60_000;
/** How many kinds of errors are distinguished. */
const KINDS = 500;
const told = new Map<string, { at: number; times: number }>();

/**
 * Reports an unexpected error: a bug, or something the program did not foresee. The caller
 * continues. Without a listener it is written to stderr, so that it never vanishes.
 */
export function unexpected(what: string, error: unknown): void {
  const stack = stackOf(error);
  const name = error instanceof Error ? error.name : typeof error;
  const key = `${what}\n${name}\n${stack[0] ?? ''}`;
  const now = performance.now();
  const before = told.get(key);
  if (before !== undefined && now - before.at < QUIET) {
    before.times += 1;
    return;
  }
  if (told.size >= KINDS) told.clear();
  told.set(key, { at: now, times: 0 });
  const one: Unexpected = {
    what,
    name,
    code: describeError(error).code,
    stack,
    times: (before?.times ?? 0) + 1,
    error,
  };
  if (listeners.size === 0) process.stderr.write(`${described(one)}\n${stack.join('\n')}\n`);
  for (const listen of listeners) listen(one);
}

/**
 * Listens to every unexpected error in this thread, until the returned function is called. A listener must
 * not throw.
 */
export function hearUnexpected(listener: UnexpectedListener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** One line for a person. */
export function described({ what, times, error }: Unexpected): string {
  const often = times > 1 ? ` (${times} times)` : '';
  return `unexpected while ${what}: ${faultText(error)}${often}`;
}

/** An error as text that may be shown and stored: its kind, or the text of an EngineError, and where it was thrown. */
export function faultText(error: unknown): string {
  const { code, text } = describeError(error);
  const name = error instanceof Error ? error.name : typeof error;
  const kind = code === name ? name : `${name} ${code}`;
  const [frame = ''] = stackOf(error);
  return `${isEngineError(error) ? text : kind} ${frame.trim()}`.trimEnd();
}

const FRAME = /^\s+at .+/;
const CAUSES = 3;

/** The frames of an error's stack, and after each `caused by NAME CODE` those of its causes; no text of any of them. */
export function stackOf(error: unknown): string[] {
  const lines: string[] = [];
  let one = error;
  for (let depth = 0; one instanceof Error && depth <= CAUSES; depth++) {
    if (depth > 0) lines.push(`caused by ${one.name} ${describeError(one).code}`);
    lines.push(...framesOf(one));
    one = one.cause;
  }
  return lines;
}

/** A text may have lines that look like frames: it is cut off first, and only the frames at the end are taken. */
function framesOf({ stack = '', message }: Error): string[] {
  const at = message === '' ? -1 : stack.indexOf(message);
  const rest = at < 0 ? stack : stack.slice(at + message.length);
  const lines = rest.split('\n');
  const last = lines.findLastIndex((line) => !FRAME.test(line));
  return lines.slice(last + 1).map((line) => line.trimEnd());
}
