import type { Setting, SettingKind, Settings } from '../../adapter/setting.ts';
import type { JsonSchema } from './form.ts';
import { meaning } from './meaning.ts';

/** A value that is filled in when the production is read, which an editor cannot check. */
const FILLED = '\\$\\{[^{}]+\\}';

const DURATION = `^(forever|\\d+(\\.\\d+)?(ms|s|m|h|d)|.*${FILLED}.*)$`;
const SIZE = `^(\\d+(\\.\\d+)?(B|KB|MB|GB)|.*${FILLED}.*)$`;
const ADDRESS = `^((\\[[^\\]]+\\]|[^:\\s]+):\\d{1,5}|.*${FILLED}.*)$`;

const filled: JsonSchema = { type: 'string', pattern: FILLED };

const TEXT: JsonSchema = { type: ['string', 'number', 'boolean'] };

type Describe = (setting: Setting<unknown, unknown>) => JsonSchema;

const BY_KIND: Readonly<Record<SettingKind, Describe>> = {
  text: () => TEXT,
  path: () => ({ ...TEXT, ...meaning('path') }),
  credential: () => ({ ...TEXT, ...meaning('credential') }),
  target: () => ({ ...TEXT, ...meaning('target') }),
  lookup: () => ({ ...TEXT, ...meaning('lookup') }),
  profile: () => ({ ...TEXT, ...meaning('profile') }),
  template: () => ({ ...TEXT, ...meaning('template') }),
  expression: () => ({ ...TEXT, ...meaning('expression') }),
  url: () => ({ type: 'string' }),
  flag: () => ({ anyOf: [{ type: 'boolean' }, filled] }),
  duration: () => ({ type: 'string', pattern: DURATION }),
  size: () => ({ type: 'string', pattern: SIZE }),
  address: () => ({ type: 'string', pattern: ADDRESS }),
  integer: ({ minimum, maximum }) => ({
    anyOf: [
      {
        type: 'integer',
        ...(minimum === undefined ? {} : { minimum }),
        ...(maximum === undefined ? {} : { maximum }),
      },
      filled,
    ],
  }),
  choice: ({ choices = {} }) => ({
    anyOf: [
      ...Object.entries(choices).map(([value, description]) => ({ const: value, description })),
      filled,
    ],
  }),
  group: ({ fields = {} }) => fieldsSchema(fields),
  list: ({ item }) => {
    const one = item === undefined ? {} : settingSchema(item);
    return { anyOf: [one, { type: 'array', items: one }] };
  },
};

/** JSON Schema of one setting, with its help, default and example for the editor. */
export function settingSchema(setting: Setting<unknown, unknown>): JsonSchema {
  const { help, default: preset, example } = setting;
  return {
    ...BY_KIND[setting.kind](setting),
    description: help,
    ...(preset === undefined ? {} : { default: preset }),
    ...(example === undefined ? {} : { examples: [example] }),
  };
}

/** JSON Schema of a block of settings: undeclared keys are refused, keys without a default are required. */
export function fieldsSchema(fields: Settings): JsonSchema {
  const required = Object.entries(fields)
    .filter(([, { default: preset, optional }]) => preset === undefined && optional !== true)
    .map(([name]) => name);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, setting]) => [name, settingSchema(setting)]),
    ),
    ...(required.length === 0 ? {} : { required }),
  };
}
