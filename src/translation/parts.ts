/** A text without what only joins it to others, and that. */
export interface Parts {
  readonly lead: string;
  readonly core: string;
  readonly tail: string;
}

const LEAD = /^[\s,;:.·–-]*/;
const TAIL = /[\s,;:.]*$/;

/** The catalogue has texts without the punctuation that joins them: `, more than {1}` is `more than {1}`. */
export function partsOf(text: string): Parts {
  const [lead = ''] = LEAD.exec(text) ?? [];
  const rest = text.slice(lead.length);
  const [tail = ''] = TAIL.exec(rest) ?? [];
  const core = rest.slice(0, rest.length - tail.length);
  const isBracketed = core.startsWith('(') && core.indexOf(')') === core.length - 1;
  if (!isBracketed) return { lead, core, tail };
  return { lead: `${lead}(`, core: core.slice(1, -1), tail: `)${tail}` };
}
