import { tableCodes } from '../document/hl7/dictionary/dictionary.ts';

/** HL7 table 0354 the other way round: the structure of `ADT_A04`, a message type and an event. */
let structures: ReadonlyMap<string, string> | undefined;

/** MSH-9.3 for a message type and event, by HL7 table 0354: ADT and A04 give ADT_A01. */
export function messageStructure(message: string, event: string): string {
  if (event === '') return message;
  structures ??= readStructures();
  const name = `${message}_${event}`;
  return structures.get(name) ?? name;
}

function readStructures(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [structure, events] of Object.entries(tableCodes('354') ?? {})) {
    const [message = ''] = structure.split('_', 1);
    for (const event of events.split(/[^A-Z\d]+/)) {
      const name = `${message}_${event}`;
      // an event of several structures is that of the first
      if (!found.has(name)) found.set(name, structure);
    }
  }
  return found;
}
