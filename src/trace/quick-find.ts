/** The message or session id a pasted text may be: digits, perhaps with spaces or dots as people write them. */
export function idIn(text: string): number | undefined {
  const digits = text.trim().replace(/[\s.]/g, '');
  if (!/^\d{4,16}$/.test(digits)) return undefined;
  const id = Number(digits);
  return Number.isSafeInteger(id) ? id : undefined;
}

/** The name under which every HL7 message's MSH-10 is indexed, whatever the production's search fields are. */
export const CONTROL_ID = 'control-id';
