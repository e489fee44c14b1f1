import { unescape } from '../../document/hl7/escape.ts';
import type { Hl7Document } from '../../document/hl7/hl7-document.ts';
import {
  type FieldDefinition,
  type Hl7Dictionary,
  hl7Dictionary,
  hl7Document,
  tableCodes,
} from '../../document/index.ts';
import type { Hl7Tree, Hl7TreeField, Hl7TreeSegment } from '../contract/body.ts';

/** The version whose names are used for messages without a version or with an unknown one. */
const USUAL = '2.5.1';

type Tree = Omit<Hl7Tree, 'messageId' | 'masked'>;

/** Parses an HL7 message, with the names of its version. Throws DOCUMENT_UNREADABLE. */
export function hl7Tree(bytes: Uint8Array, charset: string | undefined): Tree {
  const document = hl7Document(bytes, charset);
  const declared = document.get('MSH-12.1');
  const version = hl7Dictionary(declared) === undefined ? USUAL : declared;
  const dictionary = hl7Dictionary(version);
  const event = [document.get('MSH-9.1'), document.get('MSH-9.2')].filter(Boolean).join('_');
  const counts = new Map<string, number>();
  const segments = document.segments().map(({ name, text }) => {
    const index = (counts.get(name) ?? 0) + 1;
    counts.set(name, index);
    return segmentOf(document, dictionary, { name, text, index });
  });
  return {
    standard: 'HL7',
    version,
    message: event === '' ? undefined : event,
    title: dictionary?.messageName(event),
    charset: document.charset.name,
    segments,
  };
}

interface Raw {
  readonly name: string;
  readonly text: string;
  readonly index: number;
}

function segmentOf(
  document: Hl7Document,
  dictionary: Hl7Dictionary | undefined,
  { name, text, index }: Raw,
): Hl7TreeSegment {
  const { field } = document.delimiters;
  const header = name === 'MSH' || name === 'BHS' || name === 'FHS';
  const slots = text.split(field);
  // the separator itself is field 1 of a header
  const values = header ? [field, ...slots.slice(1)] : slots.slice(1);
  const definitions = dictionary?.fields(name);
  const prefix = index === 1 ? name : `${name}[${index}]`;
  const fields = values.flatMap((raw, at) => {
    const n = at + 1;
    if (raw === '') return [];
    const whole = header && n <= 2;
    return [
      fieldOf(document, dictionary, { raw, n, prefix, whole, definition: definitions?.[at] }),
    ];
  });
  return { name, index, title: dictionary?.segmentName(name), raw: text, fields };
}

interface RawField {
  readonly raw: string;
  readonly n: number;
  readonly prefix: string;
  /** Whether to leave it whole: the delimiters themselves are not parsed. */
  readonly whole: boolean;
  readonly definition: FieldDefinition | undefined;
}

function fieldOf(
  document: Hl7Document,
  dictionary: Hl7Dictionary | undefined,
  { raw, n, prefix, whole, definition }: RawField,
): Hl7TreeField {
  const { delimiters } = document;
  const path = `${prefix}-${n}`;
  const components = definition && dictionary?.components(definition.type);
  const clear = (text: string): string => (whole ? text : unescape(text, delimiters, document));
  const parts = (text: string, separator: string): string[] =>
    whole || separator === '' ? [text] : text.split(separator);
  const repetitions = parts(raw, delimiters.repetition).map((repetition, index) => {
    const at = index === 0 ? path : `${path}[${index + 1}]`;
    const values = parts(repetition, delimiters.component);
    return values.flatMap((value, position) =>
      value === '' && values.length > 1
        ? []
        : [
            {
              n: position + 1,
              path: values.length === 1 ? at : `${at}.${position + 1}`,
              name: components?.[position]?.name,
              value: clear(value),
            },
          ],
    );
  });
  const code = repetitions[0]?.[0]?.value;
  const table = definition?.table;
  return {
    n,
    path,
    name: definition?.name,
    type: definition?.type,
    table,
    meaning: table === undefined || code === undefined ? undefined : tableCodes(table)?.[code],
    raw,
    repetitions,
  };
}
