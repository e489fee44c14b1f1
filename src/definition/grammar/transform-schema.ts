import { stepKinds } from '../../transform/read-steps.ts';
import { MOST } from '../../transform/split/read-split.ts';
import { DRAFT, type JsonSchema } from '../form/form.ts';
import { meaning, type TextMeaning } from '../form/meaning.ts';

const splitSchema = (): JsonSchema => ({
  anyOf: [
    { type: 'string', ...meaning('segment') },
    {
      type: 'object',
      additionalProperties: false,
      required: ['each'],
      properties: {
        each: {
          type: 'string',
          ...meaning('segment'),
          description:
            'Segments (OBR), a JSON array (/orders), XML elements (/report/result), rows or lines.',
        },
        size: { type: 'integer', description: 'How many of them go into one message.' },
        most: {
          type: 'integer',
          default: MOST,
          description: 'Making more messages than this is an error.',
        },
        when: {
          type: 'string',
          ...meaning('expression'),
          description: 'Which of them; the others are left out.',
        },
        empty: {
          enum: ['discard', 'suspend'],
          description:
            'What happens to a message without any. Default discard for an empty list, suspend if there is no list.',
        },
        comment: { type: 'string', description: 'A note for the next reader.' },
      },
    },
  ],
  description: 'Makes a message from each part of the incoming one.',
  examples: ['OBR', 'rows', '/orders'],
});

const startSchema = (): JsonSchema => ({
  anyOf: [
    { enum: ['copy', 'empty'] },
    {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: {
        body: { type: 'string', description: 'The text to begin with.' },
        base64: {
          type: 'string',
          description:
            'An expression: the new message is what its value holds in base64, such as a PDF.',
          examples: ['field("OBX-5.5")'],
          ...meaning('expression'),
        },
        acknowledge: {
          enum: ['envelope', 'syntax', 'guide'],
          description:
            'Begins as the acknowledgement of X12 or EDIFACT, and says how that is checked.',
        },
        form: {
          enum: ['auto', 'TA1', '997', '999', 997, 999],
          default: 'auto',
          description: 'Which acknowledgement of X12; auto is 997 for 4010, 999 for 5010.',
        },
        errors: {
          enum: ['reject', 'note'],
          default: 'reject',
          description: 'Whether errors in segments reject a transaction set.',
        },
        profile: {
          anyOf: [
            { type: 'string', ...meaning('profile') },
            { type: 'array', items: { type: 'string', ...meaning('profile') } },
          ],
          description: 'The profiles by which EDIFACT messages are checked as well.',
        },
      },
    },
  ],
  default: 'copy',
  description:
    'How the new message begins: as a copy, empty, with a text, as what a value holds in base64, or as the acknowledgement of X12 or EDIFACT.',
});

/** What the value of a step's key stands for. */
const MEANINGS: Readonly<Record<string, TextMeaning>> = {
  set: 'message path',
  copy: 'message path',
  remove: 'message path',
  each: 'message path',
  append: 'segment',
  insert: 'segment',
  after: 'segment',
  before: 'segment',
  to: 'expression',
  if: 'expression',
  when: 'expression',
  discard: 'expression',
  call: 'transform',
};

const value: JsonSchema = { type: ['string', 'number', 'boolean'] };
const steps: JsonSchema = { type: 'array', items: { $ref: '#/definitions/step' } };

const STEPS = new Set(['steps', 'then', 'else']);

/** What is under a key of a step of this kind. */
function stepValue(kind: string, key: string): JsonSchema {
  if (STEPS.has(key)) return steps;
  const expression = { ...value, ...meaning('expression') };
  if (key === 'fields') return { type: 'object', additionalProperties: expression };
  const what = kind === 'copy' && key === 'to' ? 'message path' : MEANINGS[key];
  const one = what === undefined ? value : { ...value, ...meaning(what) };
  return { anyOf: [one, { type: 'array', items: one }] };
}

/** One kind of step; its name is explained, the other keys explain themselves beside it. */
function stepSchema({ keys, help }: (typeof stepKinds)[number]): JsonSchema {
  const [name] = keys;
  return {
    type: 'object',
    additionalProperties: false,
    required: [name],
    properties: Object.fromEntries(
      [...keys, 'when', 'comment'].map((key) => [
        key,
        { ...stepValue(name, key), ...(key === name ? { description: help } : {}) },
      ]),
    ),
  };
}

const toFhirSchema = (): JsonSchema => ({
  anyOf: [
    { enum: ['R4'] },
    {
      type: 'object',
      additionalProperties: false,
      required: ['version'],
      properties: {
        version: { enum: ['R4'], description: 'The version of FHIR.' },
        bundle: {
          enum: ['transaction', 'message', 'collection'],
          default: 'transaction',
          description: 'The type of the Bundle.',
        },
        update: {
          type: 'array',
          items: { type: 'string' },
          description:
            'Which resources replace what the server has; others with an identifier are created only if they are not there. Default: those the message is about.',
          examples: [['Patient', 'Encounter']],
        },
        zone: {
          type: 'string',
          description:
            "The time zone of times without an offset. Default: MSH-7's offset, otherwise the engine's zone.",
          examples: ['Europe/Berlin'],
        },
        systems: {
          type: 'object',
          additionalProperties: { type: 'string' },
          description: 'URIs of the assigning authorities and code systems that HL7 v2 only names.',
        },
      },
    },
  ],
  description: 'Makes FHIR of an HL7 v2 message.',
  examples: ['R4'],
});

const fromFhirSchema = (): JsonSchema => ({
  anyOf: [
    { enum: ['R4'] },
    {
      type: 'object',
      additionalProperties: false,
      required: ['version'],
      properties: {
        version: { enum: ['R4'], description: 'The version of FHIR.' },
        zone: {
          type: 'string',
          description:
            'The time zone whose clock times in the message are of. Default: every time keeps its offset.',
          examples: ['Europe/Berlin'],
        },
        systems: {
          type: 'object',
          additionalProperties: { type: 'string' },
          description: 'URIs of the assigning authorities and code systems that HL7 v2 only names.',
        },
      },
    },
  ],
  description: 'Makes an HL7 v2 message, ADT or ORU, of FHIR.',
  examples: ['R4'],
});

/** JSON Schema of a declarative transform's file. */
export function transformSchema(): JsonSchema {
  return {
    $schema: DRAFT,
    title: 'A Waybill transform',
    type: 'object',
    additionalProperties: false,
    properties: {
      toFhir: toFhirSchema(),
      fromFhir: fromFhirSchema(),
      split: splitSchema(),
      start: startSchema(),
      type: {
        type: 'string',
        description: 'The type of the new message.',
        examples: ['ADT_A01:2.3', 'application/json'],
      },
      name: {
        type: 'string',
        ...meaning('template'),
        description: 'The label of the new message, a template.',
      },
      title: { type: 'string', description: 'A name for people.' },
      comment: { type: 'string', description: 'A note for the next reader.' },
      steps: { ...steps, description: 'The changes, in this order.' },
    },
    definitions: { step: { anyOf: stepKinds.map(stepSchema) } },
  };
}
