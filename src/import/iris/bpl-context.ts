import type { TranslationReport } from './rules.ts';

export interface BplContext extends TranslationReport {
  /** The host that an item of the production became; undefined if there is none. */
  readonly nameOf: (item: string) => string | undefined;
  /** A setting of the item, `process.Target` in its code. */
  readonly settingOf: (name: string) => string | undefined;
  /** The host that alerts go to. */
  readonly alertTo: string | undefined;
  /** A router that puts a message through a transform on its way to a target. */
  readonly transformed: (className: string, target: string) => string;
}

/** What a variable of the process is. */
export type Kind = 'hl7' | 'object' | 'value';

export const kindOf = (type: string): Kind =>
  type === 'EnsLib.HL7.Message' ? 'hl7' : /^%|^$/.test(type) ? 'value' : 'object';

/** A property of an object, in code. */
export const property = (name: string): string =>
  /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
