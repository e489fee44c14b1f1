import type { Item } from './hosts.ts';
import type { TranslationReport } from './rules.ts';

type Block = Record<string, unknown>;

/** Placeholders of a file name → expressions. */
const NAME_MARKS: Readonly<Record<string, string>> = {
  f: '{name}',
  Q: '{format(now(), "yyyy-MM-dd_HH.mm.ss.SSS")}',
  T: '{format(now(), "yyyy-MM-dd_HH.mm.ss")}',
  D: '{format(now(), "yyyyMMdd")}',
  i: '{id}',
  Y: '{format(now(), "yyyy")}',
  m: '{format(now(), "MM")}',
  d: '{format(now(), "dd")}',
  H: '{format(now(), "HH")}',
  M: '{format(now(), "mm")}',
  S: '{format(now(), "ss")}',
};

/** `%!+(_a)`: a number behind the name if a file of that name is there. */
const NUMBERED = /%!?\+\(/;

type Settings = Item['settings'];

const nameOf = (settings: Settings): string => settings.get('Filename') || '%f_%Q%!+(_a)';

/** The name of the files of an operation, as a template. */
export function fileName({ name, settings }: Item, { look }: TranslationReport): string {
  const given = nameOf(settings);
  const made = given
    .replaceAll('{', '{{')
    .replaceAll('}', '}}')
    .replaceAll(/%!?\+\(\w*\)|%([A-Za-z])/g, (whole, mark?: string) =>
      mark === undefined ? '' : (NAME_MARKS[mark] ?? whole),
    );
  if (/%/.test(made))
    look(name, 'files', `the file name ${given} has placeholders that were not translated`);
  return made;
}

/** What an operation did if a file of that name was there. */
export function existsOf(settings: Settings): Block {
  if (NUMBERED.test(nameOf(settings))) return { exists: 'number' };
  return (settings.get('Overwrite') || '1') === '1' ? { exists: 'replace' } : { write: 'append' };
}
