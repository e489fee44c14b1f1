import { fromFhir } from '../../src/document/fhir/to-v2/from-fhir.ts';
import { toFhir } from '../../src/document/fhir/v2/to-fhir.ts';
import { hl7Dictionary } from '../../src/document/hl7/dictionary/dictionary.ts';
import { type Hl7Document, hl7Document } from '../../src/document/hl7/hl7-document.ts';
import { validate } from '../../src/document/hl7/validation/validate.ts';
import { messageStructure } from '../../src/transform/message-structure.ts';

/** A value without what FHIR cannot keep: minutes that were no seconds, offsets, empty components. */
const plain = (value: string): string =>
  value
    .replaceAll(/(\d{8,12}?)(?:0000|00)?(?:\.\d+)?(?:[+-]\d{4})?(?=$|[\^&~])/g, '$1')
    .replaceAll(/[\^&]+(?=~|$)/g, '')
    .trim();

/** Every field with a value, by its place. MSH-7 and MSH-10 are the new message's own. */
function fieldsOf(message: Hl7Document): Map<string, string> {
  const counts = new Map<string, number>();
  const fields = message.segments().flatMap(({ name, text }) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const slots = text.split(message.delimiters.field).slice(1);
    return slots.map((slot, at) => {
      const number = name === 'MSH' ? at + 2 : at + 1;
      return [`${name}[${count}]-${number}`, slot] as const;
    });
  });
  return new Map(
    fields
      .filter(
        ([place, slot]) => slot !== '' && slot !== '""' && !/^MSH\[1\]-(?:2|7|10)$/.test(place),
      )
      .map(([place, slot]) => [place, plain(slot)]),
  );
}

const isValid = (message: Hl7Document): boolean =>
  validate(message, 'full').every(({ severity }) => severity !== 'error');

/** Whether a message can go through FHIR and back: of one patient, ADT or ORU, of a known version, no move (A43), which FHIR does not have. */
export const isRoundTrip = (message: Hl7Document): boolean =>
  ['ADT', 'ORU'].includes(message.get('MSH-9.1')) &&
  message.get('MSH-9.2') !== 'A43' &&
  hl7Dictionary(message.get('MSH-12.1')) !== undefined &&
  message.segmentCount('PID') < 2;

/** What comes of a message that went through FHIR and back. */
export interface RoundTrip {
  /** Fields that are the same at the same place, and all that the message had. */
  readonly same: number;
  readonly fields: number;
  /** Values of the FHIR that are in the new message, and all. */
  readonly carried: number;
  readonly values: number;
  readonly wasValid: boolean;
  readonly isValid: boolean;
}

export function roundTrip(message: Hl7Document): RoundTrip {
  const zone = 'UTC';
  const systems = {};
  const { body } = toFhir(message, { bundle: 'message', update: undefined, zone, systems }, 0);
  const { body: bytes, coverage } = fromFhir(
    Buffer.from(body).toString('utf8'),
    {
      kind: { message: message.get('MSH-9.1'), event: message.get('MSH-9.2') },
      version: message.get('MSH-12.1'),
      zone: undefined,
      systems,
    },
    { controlId: 'M1', now: 0, structureOf: messageStructure },
  );
  const made = hl7Document(bytes, 'utf-8');
  const before = fieldsOf(message);
  const after = fieldsOf(made);
  return {
    same: [...before].filter(([place, value]) => after.get(place) === value).length,
    fields: before.size,
    carried: coverage.values,
    values: coverage.allValues,
    wasValid: isValid(message),
    isValid: isValid(made),
  };
}
