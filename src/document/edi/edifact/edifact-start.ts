import {
  areApart,
  canSeparate,
  type EdiStart,
  type EdiSyntax,
  type NoStart,
} from '../edi-syntax.ts';

/** The delimiters of an interchange without UNA. */
const DEFAULT: EdiSyntax = {
  kind: 'edifact',
  field: '+',
  repetition: '',
  component: ':',
  subcomponent: '',
  release: '?',
  terminator: "'",
};

/** Level B: control characters, without a release character. */
const LEVEL_B: EdiSyntax = {
  ...DEFAULT,
  field: '\u001d',
  component: '\u001f',
  release: '',
  terminator: '\u001c',
};

/** The first syntax version that has repetitions. */
const FIRST_WITH_REPETITION = '4';

/** The delimiters of the interchange whose UNA or UNB begins at `at`. */
export function edifactStart(text: string, at: number): EdiStart | NoStart {
  const hasAdvice = text.startsWith('UNA', at);
  const found = hasAdvice ? advised(text, at + 3) : plain(text.charAt(at + 3));
  if (found === undefined) {
    return {
      problem: hasAdvice
        ? 'The delimiters in UNA cannot be used: they must be different, and must not be letters, digits or blanks.'
        : 'What follows UNB is not an element separator that can be used without UNA.',
    };
  }
  const header = hasAdvice ? firstBehind(text, at + 9) : at;
  if (!text.startsWith('UNB', header)) return { problem: 'UNA is not followed by UNB.' };
  const { syntax, repetition } = found;
  return {
    at: header,
    syntax: { ...syntax, repetition: inVersion(text, header, { syntax, repetition }) },
  };
}

interface Found {
  readonly syntax: EdiSyntax;
  /** The repetition separator, if the version has one. */
  readonly repetition: string;
}

function plain(field: string): Found | undefined {
  if (field === DEFAULT.field) return { syntax: DEFAULT, repetition: '*' };
  return field === LEVEL_B.field ? { syntax: LEVEL_B, repetition: '' } : undefined;
}

/** UNA: component, element, decimal mark, release, repetition (a blank before version 4), terminator. */
function advised(text: string, at: number): Found | undefined {
  const sign = (n: number): string => text.charAt(at + n).replace(' ', '');
  const [component, field, release, repeated, terminator] = [0, 1, 3, 4, 5].map(sign);
  const needed = [component ?? '', field ?? '', terminator ?? ''];
  const used = [...needed, release ?? ''];
  if (!needed.every(canSeparate) || !isSound(used)) return undefined;
  const syntax = { ...DEFAULT, component, field, release, terminator } as EdiSyntax;
  const repetition = repeated ?? '';
  return { syntax, repetition: isSound([...used, repetition]) ? repetition : '' };
}

/** Whether delimiters can be used together; those that are `''` do not count. */
function isSound(marks: readonly string[]): boolean {
  return areApart(marks) && marks.every((one) => one === '' || canSeparate(one));
}

/** UNB-1.2 is the version of the syntax. */
function inVersion(text: string, at: number, { syntax, repetition }: Found): string {
  const { field, component } = syntax;
  const [identifier = ''] = text.slice(at + 4, at + 40).split(field, 1);
  const [, version = ''] = identifier.split(component);
  return version >= FIRST_WITH_REPETITION ? repetition : '';
}

function firstBehind(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 32) at++;
  return at;
}
