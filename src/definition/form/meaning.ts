import type { Form, JsonSchema } from './form.ts';

/** What a text stands for, in a keyword of our own: editors that know a production offer and explain it. */
export type TextMeaning =
  | 'path'
  | 'credential'
  | 'service'
  | 'process'
  | 'target'
  | 'lookup'
  | 'transform'
  | 'profile'
  | 'template'
  | 'expression'
  | 'message path'
  | 'segment';

export const MEANING = 'x-meaning';

export const meaning = (what: TextMeaning): JsonSchema => ({ [MEANING]: what });

/** The same form, whose text stands for something. */
export function withMeaning<Value>(form: Form<Value>, what: TextMeaning): Form<Value> {
  return { ...form, schema: () => ({ ...form.schema(), ...meaning(what) }) };
}
