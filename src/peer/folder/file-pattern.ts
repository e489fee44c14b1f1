import { bad, good, type Setting } from '../../adapter/setting.ts';
import { choices, matchesGlob } from './glob.ts';

/** A glob such as `*.hl7`: `*` and `?` for any characters, `[abc]` and `{hl7,txt}` for a choice. With a `/` it is held against the path below the folder. */
export const filePattern: Setting<string, string> = {
  kind: 'text',
  help: 'A glob: * and ? stand for any characters, [ab] and {hl7,txt} for a choice; with a / it is compared with the path below the folder. Several may stand in one text with ; between them.',
  example: '*.hl7',
  read: (given) => {
    if (typeof given !== 'string' || given === '' || given.startsWith('/')) {
      return bad('must be a pattern such as *.hl7 or lab/*.txt');
    }
    const problem = problemOf(given);
    return problem === undefined ? good(given) : bad(problem);
  },
};

/** What shells know besides: taken for characters, it would mean no file at all, and nobody would be told. */
function problemOf(pattern: string): string | undefined {
  if (/\{[^{},]*\.\.[^{},]*\}/.test(pattern)) {
    return 'has a range in braces: write each choice, such as {1,2,3}';
  }
  if (/[@!+*?]\([^)]*\)/.test(pattern)) {
    return 'has parentheses as some shells know them: write the choices in braces, such as {lab,ward}';
  }
  return choices(pattern).length === 0
    ? 'stands for more than 1000 patterns: write fewer choices'
    : undefined;
}

/** Whether a file is meant by one of the patterns. `path` is relative to the folder that is looked at. */
export function isMeant(path: string, patterns: readonly string[]): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return patterns
    .flatMap((pattern) => pattern.split(';'))
    .map((pattern) => pattern.trim())
    .some((pattern) => matchesGlob(pattern.includes('/') ? path : name, pattern));
}
