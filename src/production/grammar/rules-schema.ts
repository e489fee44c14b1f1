import type { JsonSchema } from '../form/form.ts';

const text: JsonSchema = { type: 'string' };
const oneOrMore = (item: JsonSchema): JsonSchema => ({
  anyOf: [item, { type: 'array', items: item }],
});

const condition: JsonSchema = {
  type: ['string', 'boolean'],
  description: 'A CEL expression that is true or false.',
  examples: ['type == "ADT_A01" && field("PV1-2") == "I"'],
};

const send: JsonSchema = oneOrMore({
  anyOf: [
    { ...text, description: 'A target: the message goes there as it is.' },
    {
      type: 'object',
      additionalProperties: false,
      required: ['to'],
      properties: {
        to: { ...oneOrMore(text), description: 'The targets.' },
        transform: {
          ...oneOrMore(text),
          description: 'The transforms it goes through on the way, one after the other.',
        },
        when: condition,
      },
    },
  ],
});

const rule: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { ...text, description: 'What operators see in the trace.' },
    comment: { ...text, description: 'A note for the next reader.' },
    when: condition,
    send: { ...send, description: 'Where a message goes that fits.' },
    continue: { type: 'boolean', default: false, description: 'Go on with the next rules.' },
    disabled: { type: 'boolean', default: false, description: 'Leave the rule out for now.' },
    otherwise: {
      anyOf: [{ enum: ['discard', 'suspend'] }, send],
      description: 'What happens to a message that no rule took.',
    },
  },
};

const ruleSet: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['rules'],
  properties: {
    name: { ...text, description: 'The name of the rule set.' },
    rules: {
      type: 'array',
      items: rule,
      description: 'Tried in order; the first that fits ends the set.',
    },
  },
};

/** The rules of a router: one set, or several that are each tried. */
export function rulesSchema(): JsonSchema {
  return { type: 'array', items: { anyOf: [rule, ruleSet] } };
}
