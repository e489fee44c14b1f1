import { NoCounterpart } from './objectscript.ts';

const CLASSES: Readonly<Record<string, string>> = {
  A: 'A-Za-z',
  C: '\\x00-\\x1f',
  E: '\\x00-\\uffff',
  L: 'a-z',
  N: '0-9',
  P: ' -/:-@\\[-`{-~',
  U: 'A-Z',
};

/** A pattern of ObjectScript, `3N1"-".A`, as a regular expression. */
export function regularOf(pattern: string): string {
  const parts = [...pattern.matchAll(/(\d*)(\.?)(\d*)(?:([A-Za-z]+)|"((?:[^"]|"")*)")/g)];
  if (parts.map(([whole]) => whole).join('') !== pattern)
    throw new NoCounterpart('has a pattern that could not be parsed');
  const made = parts.map(([, from = '', dot, to = '', classes, literal = '']) => {
    const what =
      classes === undefined
        ? `(?:${literal.replaceAll('""', '"').replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')})`
        : classes.toUpperCase().includes('E')
          ? '(?s:.)'
          : `[${Array.from(classes.toUpperCase(), (one) => CLASSES[one] ?? '').join('')}]`;
    const times =
      dot === '' ? `{${from}}` : from === '' && to === '' ? '*' : `{${from || 0},${to}}`;
    return `${what}${times}`;
  });
  return `^${made.join('')}$`;
}
