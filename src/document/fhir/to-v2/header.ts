import { isBefore } from '../../hl7/header.ts';
import { isElement, type Resource } from '../v2/json.ts';
import { v2Time } from './back-times.ts';
import type { MessageWriter } from './message-writer.ts';
import { below, entries, textIn } from './uses.ts';

export interface HeaderFacts {
  /** MSH-10 */
  readonly controlId: string;
  /** MSH-9.3 */
  readonly structure: string;
  /** When the message is made, as FHIR writes it. */
  readonly now: string;
}

/** The first version in which MSH-9 has a third part. */
const WITH_STRUCTURE = '2.3.1';

/** MSH, of the MessageHeader if there is one. */
export function headerBack(writer: MessageWriter, facts: HeaderFacts): void {
  const { index, kind, dictionary, context } = writer;
  const [header] = index.ofType('MessageHeader');
  const at = v2Time(index.timestamp ?? facts.now, context.zone) ?? v2Time(facts.now, context.zone);
  const readings = header === undefined ? [] : [['MSH:MessageHeader', header] as const];
  const made = writer.add('MSH', readings, {
    before: (segment) => {
      segment.put([7], at ?? '');
      segment.put([9, 1], kind.message);
      segment.put([9, 2], kind.event);
      if (!isBefore(dictionary.version, WITH_STRUCTURE)) segment.put([9, 3], facts.structure);
      segment.put([10], facts.controlId);
      segment.put([12], dictionary.version);
    },
  });
  made?.put([11], 'P');
  for (const name of ['eventCoding', 'focus']) {
    const found = header === undefined ? undefined : below(header, name);
    if (found !== undefined) context.uses.useAll(found);
  }
}

/** EVN, of the Provenance if there is one. */
export function eventBack(writer: MessageWriter, now: string): void {
  const [provenance] = writer.index.ofType('Provenance');
  const { context, kind } = writer;
  writer.add('EVN', provenance === undefined ? [] : [['EVN:Provenance', provenance]], {
    before: (segment) => {
      segment.put([1], kind.event);
      const isSaid = provenance !== undefined && textIn(provenance, 'recorded') !== undefined;
      if (!isSaid) segment.put([2], v2Time(writer.index.timestamp ?? now, context.zone) ?? '');
    },
  });
  if (provenance !== undefined) noteSame(provenance, writer);
}

/** What a Provenance says again: what it is of, the event, and the sender as its agent. */
function noteSame(provenance: Resource, { context, index, kind }: MessageWriter): void {
  const activity = below(provenance, 'activity');
  if (isElement(activity?.value) && textIn(activity.value, 'text') === kind.event) {
    context.uses.useAll(activity);
  }
  const senders = new Set(
    index.ofType('MessageHeader').map((one) => JSON.stringify(one['sender'])),
  );
  for (const { value: agent } of entries(provenance, 'agent')) {
    const who = isElement(agent) ? below(agent, 'who') : undefined;
    if (who !== undefined && senders.has(JSON.stringify(who.value))) context.uses.useAll(who);
  }
  for (const target of entries(provenance, 'target')) {
    if (isElement(target.value) && index.find(target.value) !== undefined)
      context.uses.useAll(target);
  }
}
