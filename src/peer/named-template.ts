import { bad, type Setting, type Template } from '../adapter/setting.ts';

/** A name and its value, which is a template. */
export interface NamedTemplate {
  readonly name: string;
  readonly value: Template;
}

/** A line `Name: value`, such as a header of a message. */
export function namedTemplate(help: string, example: string): Setting<NamedTemplate, string> {
  return {
    kind: 'template',
    help,
    example,
    read: (given, context) => {
      const [, name, value] =
        typeof given === 'string' ? (/^([\w.+-]+):[ \t]*(.*)$/.exec(given) ?? []) : [];
      if (name === undefined || value === undefined) return bad(`must be such as ${example}`);
      const read = context.template(value);
      return read.ok ? { ok: true, value: { name, value: read.value } } : read;
    },
  };
}
