import { formatDate } from './date-format.ts';
import { plainTextOf } from './plain-text.ts';

/** What a template may name besides variables. */
export interface TemplateScope {
  readonly lookup: (name: string) => unknown;
  /** `message.encodedData`, `message.rawData`, `message.transformedData`, `message.messageId`. */
  readonly message: Readonly<Record<string, () => string>>;
}

const REFERENCE = /\$\{([^}]*)\}|\$([A-Za-z][\w-]*(?:\.[A-Za-z]\w*(?:\([^)]*\))?)*)/g;

/** The references in a template: `message.encodedData`, `patientId`, `date.get('yyyyMMdd')`. */
export const referencesOf = (template: string): string[] =>
  [...template.matchAll(REFERENCE)].map(([, braced, plain]) => (braced ?? plain ?? '').trim());

/** Whether all that the template names can be filled in; directives such as `#if` cannot. */
export function isPlainTemplate(template: string): boolean {
  if (/#(if|foreach|set|else|end|macro|parse)\b/.test(template)) return false;
  return referencesOf(template).every((name) => FUNCTION.test(name) || /^[\w.\- ]+$/.test(name));
}

const FUNCTION =
  /^(?:(?:date|DATE)\.get\(['"]([^'"]*)['"]\)|(?:maps|message\.(?:channelMap|sourceMap|connectorMap))\.get\(['"]([^'"]*)['"]\)|([\w-]+)\.toString\(\))$/;

/** Fills a template in. A name that nothing stands for stays as it is written. */
export function render(template: string, { lookup, message }: TemplateScope): string {
  return template.replaceAll(REFERENCE, (whole: string, braced?: string, plain?: string) => {
    const name = (braced ?? plain ?? '').trim();
    const called = FUNCTION.exec(name);
    if (called?.[1] !== undefined) return formatDate(called[1], new Date());
    const variable = called?.[2] ?? called?.[3] ?? name;
    const own = variable.startsWith('message.') ? message[variable.slice(8)] : undefined;
    const value = own === undefined ? (lookup(variable) ?? standing(variable)) : own();
    return value === undefined || value === null ? whole : plainTextOf(value);
  });
}

function standing(name: string): string | undefined {
  const now = new Date();
  switch (name) {
    case 'DATE':
      return formatDate('dd-MM-yy_HH-mm-ss.SS', now);
    case 'SYSTIME':
      return String(now.getTime());
    case 'COUNT':
      return String((count += 1));
    case 'UUID':
      return crypto.randomUUID();
    case 'XMLPREFIX':
      return '<?xml version="1.0" encoding="UTF-8"?>';
    case 'XMLENTITYENCODER':
      return '';
    default:
      return undefined;
  }
}

let count = 0;
