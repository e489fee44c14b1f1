import { createHash } from 'node:crypto';
import { EngineError } from '../error/engine-error.ts';
import { type SecretSpan, secretSpans } from './secret-spans.ts';

/** What stands for a secret in a text that people see: which file it is from, and the how-manieth there. */
const MARK = /•••([0-9a-f]{8})\.(\d{1,5})/g;
const HIDDEN = '•••';
const isYaml = (path: string): boolean => /\.ya?ml$/i.test(path);

const tagOf = (path: string, rest: string): string =>
  createHash('sha256').update(`${path}\0${rest}`).digest('hex').slice(0, 8);

interface Hidden {
  readonly text: string;
  /** Names this file with this content; of its secrets it says nothing. */
  readonly tag: string;
  readonly spans: readonly SecretSpan[];
  /** As they are written. */
  readonly secrets: readonly string[];
}

function hidden(path: string, text: string): Hidden {
  const spans = isYaml(path) ? secretSpans(text).filter((one) => !isMark(text, one)) : [];
  const shownWith = (mark: (n: number) => string): string => {
    let at = 0;
    let shown = '';
    for (const [n, { from, to }] of spans.entries()) {
      shown += text.slice(at, from) + mark(n + 1);
      at = to;
    }
    return shown + text.slice(at);
  };
  const tag = tagOf(
    path,
    shownWith(() => HIDDEN),
  );
  return {
    text: shownWith((n) => `${HIDDEN}${tag}.${n}`),
    tag,
    spans,
    secrets: spans.map(({ from, to }) => text.slice(from, to)),
  };
}

const isMark = (text: string, { from, to }: SecretSpan): boolean =>
  /^["']?•••[0-9a-f]{8}\.\d{1,5}["']?$/.test(text.slice(from, to));

/** A file as people see it: a mark for each secret, which may be moved and copied, and means the same secret again when the text is written. */
export const hideSecrets = (path: string, text: string): string => hidden(path, text).text;

export const hasMarks = (path: string, text: string): boolean =>
  isYaml(path) && text.search(MARK) >= 0;

/** Two contents of a file as people compare them, without secrets: one that only the later has is told to be another. */
export function comparable(path: string, before: string, after: string): [string, string] {
  const [old, now] = [before, after].map((text) => hidden(path, text));
  const known = new Set(old?.secrets);
  return [shownTo(old, () => false), shownTo(now, (secret) => !known.has(secret))];
}

function shownTo(of: Hidden | undefined, isNew: (secret: string) => boolean): string {
  return (of?.text ?? '').replace(MARK, (mark, tag: string, n: string) =>
    tag === of?.tag && isNew(of.secrets[Number(n) - 1] ?? '')
      ? `${HIDDEN} (another)`
      : mark.slice(0, HIDDEN.length),
  );
}

/**
 * A text with its secrets in it again.
 *
 * @param files path → content of the files that a mark may come from
 * @throws EngineError CONFIG_INVALID for a mark that is of no such file, or of one that has changed
 */
export function withSecrets(
  path: string,
  text: string,
  files: ReadonlyMap<string, string>,
): string {
  if (!hasMarks(path, text)) return text;
  const sources = new Map(
    [...files].map(([name, content]) => {
      const { tag, spans } = hidden(name, content);
      return [tag, { content, spans }] as const;
    }),
  );
  return text.replace(MARK, (mark, tag: string, n: string, at: number) => {
    const source = sources.get(tag);
    const span = source?.spans[Number(n) - 1];
    if (source === undefined || span === undefined) throw unknown(path, text, at);
    return written(source.content, span, { text, at, mark });
  });
}

/** The secret as it is written in its file, or in quotes where it would not fit. */
function written(
  content: string,
  { from, to, value }: SecretSpan,
  place: { readonly text: string; readonly at: number; readonly mark: string },
): string {
  const slice = content.slice(from, to);
  const { text, at, mark } = place;
  const [before, after] = [text.charAt(at - 1), text.charAt(at + mark.length)];
  if (value !== undefined && before === after && (before === '"' || before === "'"))
    return before === '"' ? JSON.stringify(value).slice(1, -1) : value.replaceAll("'", "''");
  if (value === undefined || !slice.includes('\n')) return slice;
  const same = indentAt(content, from) === indentAt(text, at);
  return same ? slice : JSON.stringify(value);
}

const indentAt = (text: string, at: number): string =>
  /^[ -]*/.exec(text.slice(text.lastIndexOf('\n', at - 1) + 1))?.[0] ?? '';

function unknown(path: string, text: string, at: number): EngineError {
  const line = text.slice(0, at).split('\n').length;
  return new EngineError(
    'CONFIG_INVALID',
    `${path}:${line}: the hidden value there is of a file that has changed since, or of an earlier version: enter the secret, or \${secret:NAME}`,
  );
}
