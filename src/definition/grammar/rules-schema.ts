import type { JsonSchema } from '../form/form.ts';
import { meaning } from '../form/meaning.ts';

const text: JsonSchema = { type: 'string' };
const comment: JsonSchema = { ...text, description: 'A note for the next reader.' };
const oneOrMore = (item: JsonSchema): JsonSchema => ({
  anyOf: [item, { type: 'array', items: item }],
});

const condition: JsonSchema = {
  type: ['string', 'boolean'],
  ...meaning('expression'),
  description: 'A CEL expression that is true or false.',
  examples: ['type == "ADT_A01" && field("PV1-2") == "I"'],
};

const effective: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    from: { ...text, description: 'From then on; a time without a zone is in the engine’s zone.' },
    until: { ...text, description: 'Until then, exclusive.' },
  },
  description: 'The time in which it is in effect.',
};

const send: JsonSchema = oneOrMore({
  anyOf: [
    {
      ...text,
      ...meaning('target'),
      description: 'A target: the message goes there unchanged.',
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['to'],
      properties: {
        to: { ...oneOrMore({ ...text, ...meaning('target') }), description: 'The targets.' },
        transform: {
          ...oneOrMore({ ...text, ...meaning('transform') }),
          description: 'The transforms it goes through on the way, one after the other.',
        },
        when: condition,
        comment,
      },
    },
  ],
});

const rule: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['send'],
  properties: {
    name: { ...text, description: 'What operators see in the trace.' },
    when: condition,
    send: {
      ...send,
      description: 'Where a matching message goes; [] takes it and discards it.',
    },
    continue: { type: 'boolean', default: false, description: 'Continue with the next rules.' },
    disabled: { type: 'boolean', default: false, description: 'Turn the rule off for now.' },
    effective,
    comment,
  },
};

const otherwise: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['otherwise'],
  properties: {
    otherwise: {
      anyOf: [{ enum: ['discard', 'suspend', 'send'] }, send],
      description: 'What happens to a message that no rule takes; the last entry.',
    },
    send: { ...send, description: 'With otherwise: send, the targets.' },
    comment,
  },
};

const list: JsonSchema = { type: 'array', minItems: 1, items: { anyOf: [rule, otherwise] } };

const set: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['rules'],
  properties: { rules: list, effective, comment },
};

/** The rules of a router: a list, or named sets that are each tried. src/rule reads them. */
export function rulesSchema(): JsonSchema {
  return { anyOf: [list, { type: 'object', additionalProperties: { anyOf: [list, set] } }] };
}
