import { referencesOf, writtenReferences } from '../../mirth/template.ts';

/** A placeholder for a label until their number is known. */
const TOKEN = /\uE100(\d+)\uE101/g;

const SIMPLE_DATE = /^date\.get\(['"]((?:yyyy|yy|MM|dd|HH|mm|ss|SSS|[-_. :])+)['"]\)$/;

/**
 * Values of a host’s settings that depend on the message: they are passed in its name, which expressions of settings can
 * read, separated by tabs.
 */
export class Labels {
  readonly #texts: string[] = [];

  /** The setting for a text with references: an expression in braces. */
  add(text: string): string {
    const known = this.#texts.indexOf(text);
    const index = known < 0 ? this.#texts.push(text) - 1 : known;
    return `\uE100${index}\uE101`;
  }

  /** A setting's text, with each reference replaced by an expression. */
  filled(text: string, fixed: (text: string) => string | undefined): string {
    let made = '';
    let at = 0;
    const references = referencesOf(text);
    for (const [index, written] of writtenReferences(text).entries()) {
      const found = text.indexOf(written, at);
      const date = SIMPLE_DATE.exec(references[index] ?? '')?.[1];
      const known = date === undefined ? fixed(written) : `{format(now(), "${date}")}`;
      made += text.slice(at, found) + (known ?? this.add(written));
      at = found + written.length;
    }
    return made + text.slice(at);
  }

  /** The label of the message; undefined where no setting needs one. */
  get label(): string | undefined {
    return this.#texts.length === 0 ? undefined : this.#texts.join('\t');
  }

  /** The settings, with placeholders replaced by expressions. */
  settled<Value>(settings: Value): Value {
    const only = this.#texts.length === 1;
    const expression = (index: string): string =>
      only ? '{name}' : `{piece(name, "\\t", ${Number(index) + 1})}`;
    const settle = (value: unknown): unknown => {
      if (typeof value === 'string')
        return value.replaceAll(TOKEN, (_, index: string) => expression(index));
      if (Array.isArray(value)) return value.map(settle);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, settle(one)]));
    };
    return settle(settings) as Value;
  }
}
