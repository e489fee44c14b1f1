import { type EdiStart, firstCharacter, type NoStart } from './edi-syntax.ts';
import { edifactStart } from './edifact/edifact-start.ts';
import { x12Start } from './x12/x12-start.ts';

/** Where an interchange begins and how it is written, or why it cannot be read. */
export function ediStart(text: string): EdiStart | NoStart {
  const at = firstCharacter(text);
  if (text.startsWith('ISA', at)) return x12Start(text, at);
  if (text.startsWith('UNA', at) || text.startsWith('UNB', at)) return edifactStart(text, at);
  return { problem: 'It does not begin with ISA (X12), UNA or UNB (EDIFACT).' };
}
