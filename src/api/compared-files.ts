import type { FilesOf } from '../definition/history/checked-files.ts';
import { comparable } from '../language/hidden-secrets.ts';
import type { Engines } from '../operator/engines.ts';
import { lineDifference } from './body/body-diff.ts';
import type { Comparison } from './contract/files.ts';

type Compared = Comparison['files'][number];
type Line = Compared['lines'][number];

/** Lines that are shown before and after what changed. */
const AROUND = 3;
/** Files whose lines are compared in one answer. */
const FILES = 100;

/** The files that two states of a production do not have alike, line by line. */
export async function comparedFiles(
  engines: Pick<Engines, 'files' | 'fileText'>,
  before: FilesOf,
  after: FilesOf,
): Promise<Compared[]> {
  const [old, now] = await Promise.all([engines.files(before), engines.files(after)]);
  const olds = new Map(old.map((one) => [one.path, one.hash]));
  const news = new Map(now.map((one) => [one.path, one.hash]));
  const paths = [...new Set([...olds.keys(), ...news.keys()])].toSorted();
  const differing = paths.filter((path) => olds.get(path) !== news.get(path));
  const found: Compared[] = [];
  for (const path of differing.slice(0, FILES)) {
    const texts = await Promise.all(
      [olds.has(path) ? before : undefined, news.has(path) ? after : undefined].map(async (of) =>
        of === undefined ? '' : (await engines.fileText({ of, path })).text,
      ),
    );
    found.push(
      comparedText(path, texts[0], texts[1], { old: olds.has(path), now: news.has(path) }),
    );
  }
  return found;
}

/** One file; a text that is undefined cannot be shown. */
export function comparedText(
  path: string,
  before: string | undefined,
  after: string | undefined,
  { old, now }: { readonly old: boolean; readonly now: boolean },
): Compared {
  const change = old ? (now ? 'changed' : 'removed') : 'added';
  if (before === undefined || after === undefined) return { path, change, lines: [], cut: true };
  const [was, is] = comparable(path, before, after);
  const { lines, truncated } = lineDifference(linesOf(was), linesOf(is));
  return { path, change, lines: nearChanges(lines), cut: truncated };
}

const linesOf = (text: string): string[] =>
  text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);

function nearChanges(lines: readonly Line[]): Line[] {
  const near = new Set<number>();
  for (const [at, { change }] of lines.entries()) {
    if (change === 'same') continue;
    for (let one = at - AROUND; one <= at + AROUND; one++) near.add(one);
  }
  return lines.filter((_line, at) => near.has(at));
}
