import { stepKinds } from '../transform/read-steps.ts';
import type { AnyAdapter } from './find-adapter.ts';
import { isInbound } from './find-adapter.ts';
import type { JsonSchema } from './form/form.ts';
import { fieldsSchema } from './form/setting-schema.ts';
import { productionForm } from './grammar/production-form.ts';
import { testFileForm } from './grammar/test-form.ts';
import { shareSchemas } from './share-schemas.ts';

const DRAFT = 'http://json-schema.org/draft-07/schema#';

/**
 * JSON Schema of production.yaml, of the files it includes and of its overlays, for YAML editors. The settings
 * of a host are those of the adapter it names.
 */
export function productionSchema(adapters: readonly AnyAdapter[]): JsonSchema {
  const { required: _, ...schema } = productionForm.schema();
  const properties = schema['properties'] as Readonly<Record<string, JsonSchema>>;
  const inbound = adapters.filter(isInbound);
  const outbound = adapters.filter((adapter) => !isInbound(adapter));
  return {
    $schema: DRAFT,
    title: 'A Waybill production',
    ...schema,
    properties: {
      ...properties,
      services: hostsSchema(properties['services'] ?? {}, inbound),
      operations: hostsSchema(properties['operations'] ?? {}, outbound),
    },
  };
}

function hostsSchema(hosts: JsonSchema, adapters: readonly AnyAdapter[]): JsonSchema {
  const { required: _, ...host } = hosts['additionalProperties'] as JsonSchema;
  const properties = host['properties'] as Readonly<Record<string, JsonSchema>>;
  const types = adapters.map(({ type, summary }) => ({ const: type, description: summary }));
  const own = { pattern: '^\\.{0,2}/' };
  return {
    ...hosts,
    additionalProperties: {
      ...host,
      properties: {
        ...properties,
        adapter: { ...properties['adapter'], anyOf: [...types, own] },
      },
      anyOf: [
        ...adapters.map(settingsOfType),
        { required: ['adapter'], properties: { adapter: own } },
        // An overlay or a second file need not say it again.
        { not: { required: ['adapter'] } },
      ],
    },
  };
}

/** An overlay holds some of the settings only, so that none is required here: the check does that. */
function settingsOfType({ type, settings }: AnyAdapter): JsonSchema {
  return {
    required: ['adapter'],
    properties: { adapter: { const: type }, settings: withoutRequired(fieldsSchema(settings)) },
  };
}

function withoutRequired({ required: _, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

/** JSON Schema of a declarative transform's file. */
export function transformSchema(): JsonSchema {
  const steps = { type: 'array', items: { $ref: '#/definitions/step' } };
  const value = { type: ['string', 'number', 'boolean'] };
  const inner = (key: string): JsonSchema => {
    if (['steps', 'then', 'else'].includes(key)) return steps;
    if (key === 'fields') return { type: 'object', additionalProperties: value };
    return { anyOf: [value, { type: 'array', items: value }] };
  };
  return {
    $schema: DRAFT,
    title: 'A Waybill transform',
    type: 'object',
    additionalProperties: false,
    properties: {
      start: {
        anyOf: [
          { enum: ['copy', 'empty'] },
          {
            type: 'object',
            additionalProperties: false,
            required: ['body'],
            properties: { body: { type: 'string' } },
          },
        ],
        default: 'copy',
        description: 'What the new message begins as: a copy, empty, or a text.',
      },
      type: {
        type: 'string',
        description: 'The type of the new message.',
        examples: ['ADT_A01:2.3', 'application/json'],
      },
      name: { type: 'string', description: 'The label of the new message, a template.' },
      title: { type: 'string', description: 'A name for people.' },
      comment: { type: 'string', description: 'A note for the next reader.' },
      steps: { ...steps, description: 'What is changed, in this order.' },
    },
    definitions: {
      step: {
        anyOf: stepKinds.map(({ keys }) => ({
          type: 'object',
          additionalProperties: false,
          required: [keys[0]],
          properties: Object.fromEntries(
            [...keys, 'when', 'comment'].map((key) => [key, inner(key)]),
          ),
        })),
      },
    },
  };
}

/** JSON Schema of production.test.yaml. */
export function testSchema(): JsonSchema {
  return { $schema: DRAFT, title: 'Tests of a Waybill production', ...testFileForm.schema() };
}

/** The files of schemas that ship with the examples, by name. The build writes them; a test compares them. */
export function schemaFiles(adapters: readonly AnyAdapter[]): ReadonlyMap<string, string> {
  return new Map([
    ['production.schema.json', text(productionSchema(adapters))],
    ['transform.schema.json', text(transformSchema())],
    ['test.schema.json', text(testSchema())],
  ]);
}

const text = (schema: JsonSchema): string =>
  `${JSON.stringify(shareSchemas(schema), undefined, 2)}\n`;
