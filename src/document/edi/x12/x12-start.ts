import { areApart, canSeparate, type EdiStart, type NoStart } from '../edi-syntax.ts';

/** Widths of ISA-1 to ISA-16. */
export const ISA_WIDTHS = [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1] as const;

/** Some senders do not pad ISA, or make it too long: it is read by its separators up to this length. */
const LONGEST = 512;
/** ISA-11 is the repetition separator from this version on; before, it named the standard (`U`). */
const FIRST_WITH_REPETITION = '00402';

/** The delimiters of the interchange whose ISA begins at `at`: read from their standard positions. */
export function x12Start(text: string, at: number): EdiStart | NoStart {
  const field = text.charAt(at + 3);
  if (!canSeparate(field)) {
    return {
      problem: 'What follows ISA is not an element separator, but a letter, digit or blank.',
    };
  }
  const ends = separators(text, at, field);
  const last = ends[ISA_WIDTHS.length - 1];
  if (last === undefined) {
    return { problem: 'ISA is cut off: it has fewer than 16 elements.' };
  }
  const [component, terminator] = [text.charAt(last + 1), text.charAt(last + 2)];
  if (terminator === '') return { problem: 'ISA is cut off before its segment terminator.' };
  const [eleven, twelve, thirteen] = [ends[10] ?? 0, ends[11] ?? 0, ends[12] ?? 0];
  const declared = text.slice(eleven + 1, twelve);
  const version = text.slice(twelve + 1, thirteen);
  const repetition =
    version >= FIRST_WITH_REPETITION && canSeparate(declared) && isFree(declared) ? declared : '';
  if (![component, terminator].every(canSeparate) || !areApart([field, component, terminator])) {
    return {
      problem:
        'The delimiters in ISA cannot be used: element separator, component separator (ISA-16) and segment terminator must be different, and must not be letters, digits or blanks.',
    };
  }
  const syntax = { kind: 'x12', field, repetition, component, terminator } as const;
  return { at, syntax: { ...syntax, subcomponent: '', release: '' } };

  function isFree(character: string): boolean {
    return ![field, component, terminator].includes(character);
  }
}

/** The positions of the separators before ISA-1 to ISA-16. */
function separators(text: string, at: number, field: string): number[] {
  const ends: number[] = [];
  for (
    let found = at + 3;
    found >= 0 && found < at + LONGEST && ends.length < ISA_WIDTHS.length;
    found = text.indexOf(field, found + 1)
  ) {
    ends.push(found);
  }
  return ends;
}
