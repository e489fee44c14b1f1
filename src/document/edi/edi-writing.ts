import { EngineError } from '../../error/engine-error.ts';
import { indexOfMark } from '../segment/part.ts';
import type { Writing } from '../segment/place.ts';
import type { EdiSyntax } from './edi-syntax.ts';

/** How values are written in an interchange. X12 has no release character: a value that contains a delimiter cannot be written. */
export function ediWriting(syntax: EdiSyntax): Writing {
  const { field, component, repetition, terminator, release, kind } = syntax;
  const all = [field, component, repetition, terminator].filter((one) => one !== '');
  const outer = [field, terminator];
  const name = { x12: 'X12', edifact: 'EDIFACT' }[kind];
  const written = (value: string, marks: readonly string[]): string => {
    if (!marks.some((mark) => value.includes(mark))) return value;
    if (release === '') throw cannotBeWritten(name);
    return released(value, marks, release);
  };
  return {
    marks: syntax,
    readWhole(slot, path, line) {
      if (path.repetition > 1 || path.component > 1) return '';
      return path.segment === 'BIN' ? behindSecond(line.text, field) : slot.replace(/ +$/, '');
    },
    unescape: (value) => (release === '' ? value : unreleased(value, release)),
    escapePlain: (value) => written(value, release === '' ? all : [...all, release]),
    escapeComposite: (value, inside) =>
      contained(value, inside === 'field' ? outer : [...outer, repetition], { release, written }),
  };
}

/** All of a segment from its second element on. */
function behindSecond(text: string, field: string): string {
  const first = text.indexOf(field);
  const second = text.indexOf(field, first + 1);
  return first < 0 || second < 0 ? '' : text.slice(second + 1);
}

function unreleased(value: string, release: string): string {
  if (!value.includes(release)) return value;
  let result = '';
  for (let at = 0; at < value.length; at++) {
    if (value[at] === release && at + 1 < value.length) at++;
    result += value[at] ?? '';
  }
  return result;
}

function released(value: string, marks: readonly string[], release: string): string {
  let result = '';
  for (const character of value) {
    result += marks.includes(character) ? release + character : character;
  }
  return result;
}

interface Containing {
  readonly release: string;
  readonly written: (value: string, marks: readonly string[]) => string;
}

/** An already written value, in which delimiters that would end its place get a release character, unless they have one. */
function contained(
  value: string,
  marks: readonly string[],
  { release, written }: Containing,
): string {
  const ends = marks.filter((mark) => mark !== '' && indexOfMark(value, mark, 0, release) >= 0);
  if (ends.length === 0) return value;
  if (release === '') return written(value, ends);
  let result = '';
  for (let at = 0; at < value.length; at++) {
    const character = value[at] ?? '';
    if (character === release) {
      result += character + (value[at + 1] ?? '');
      at++;
    } else {
      result += ends.includes(character) ? release + character : character;
    }
  }
  return result;
}

function cannotBeWritten(name: string): EngineError {
  return new EngineError(
    'MESSAGE_INVALID',
    `The value contains a delimiter of this interchange, and this ${name} declares no release character to write it with. Replace it, or start with a body that has other delimiters.`,
  );
}
