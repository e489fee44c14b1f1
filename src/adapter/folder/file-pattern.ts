import { posix } from 'node:path';
import { bad, good, type Setting } from '../setting.ts';

/** A glob such as `*.hl7`: `*` and `?` for any characters, `[abc]` and `{hl7,txt}` for a choice. With a `/` it is held against the path below the folder. */
export const filePattern: Setting<string, string> = {
  kind: 'text',
  help: 'A glob: * and ? stand for any characters, [ab] and {hl7,txt} for a choice; with a / it is compared with the path below the folder. Several may stand in one text with ; between them.',
  example: '*.hl7',
  read: (given) =>
    typeof given === 'string' && given !== '' && !given.startsWith('/')
      ? good(given)
      : bad('must be a pattern such as *.hl7 or lab/*.txt'),
};

/** Whether a file is meant by one of the patterns. `path` is relative to the folder that is looked at. */
export function isMeant(path: string, patterns: readonly string[]): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return patterns
    .flatMap((pattern) => pattern.split(';'))
    .map((pattern) => pattern.trim())
    .some((pattern) => posix.matchesGlob(pattern.includes('/') ? path : name, pattern));
}
