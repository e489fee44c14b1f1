import { tableCodes } from '../document/hl7/dictionary/dictionary.ts';

const known = new Map<string, string>();

/** MSH-9.3 for a message type and event, by HL7 table 0354: ADT and A04 give ADT_A01. */
export function messageStructure(message: string, event: string): string {
  if (event === '') return message;
  const name = `${message}_${event}`;
  const before = known.get(name);
  if (before !== undefined) return before;
  const structures = Object.entries(tableCodes('354') ?? {});
  const found = structures.find(
    ([structure, events]) =>
      structure.startsWith(`${message}_`) && events.split(/[^A-Z\d]+/).includes(event),
  );
  const structure = found?.[0] ?? name;
  known.set(name, structure);
  return structure;
}
