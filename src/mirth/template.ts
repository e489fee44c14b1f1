import { formatDate } from './date-format.ts';
import { JsonUtil, XmlUtil } from './serializers.ts';
import { fillTemplate } from './velocity/fill.ts';
import { parseTemplate, TemplateFault, type TemplatePart } from './velocity/parse.ts';

/** What a template may refer to besides variables. */
export interface TemplateScope {
  readonly lookup: (name: string) => unknown;
  /** `message.encodedData`, `message.rawData`, `message.transformedData`, `message.messageId`. */
  readonly message: Readonly<Record<string, () => unknown>>;
}

const REFERENCE = /\$!?\{([^}]*)\}|\$!?([A-Za-z][\w-]*(?:\.[A-Za-z]\w*(?:\([^)]*\))?)*)/g;

/** The references in a text: `message.encodedData`, `patientId`, `date.get('yyyyMMdd')`. */
export const referencesOf = (template: string): string[] =>
  [...template.matchAll(REFERENCE)].map(([, braced, plain]) => (braced ?? plain ?? '').trim());

/** The references as written, in order. */
export const writtenReferences = (template: string): string[] => template.match(REFERENCE) ?? [];

/** Why a template cannot be filled in; undefined if it can. */
export function templateFault(template: string): string | undefined {
  try {
    parseTemplate(template);
    return undefined;
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    return `${error.message} (line ${error.line})`;
  }
}

const parsed = new Map<string, readonly TemplatePart[]>();

/** Templates come from the definition, so there are few. */
function partsOf(template: string): readonly TemplatePart[] {
  const found = parsed.get(template);
  if (found !== undefined) return found;
  const made = parseTemplate(template);
  if (parsed.size < 1_000) parsed.set(template, made);
  return made;
}

/** Fills a template in. An unresolved name stays as written. */
export function render(template: string, { lookup, message }: TemplateScope): string {
  const tools: Readonly<Record<string, () => unknown>> = {
    date: () => DATE_TOOL,
    DATE: () => formatDate('dd-MM-yy_HH-mm-ss.SS', new Date()),
    SYSTIME: () => String(Date.now()),
    COUNT: () => String((count += 1)),
    UUID: () => crypto.randomUUID(),
    XMLPREFIX: () => '<?xml version="1.0" encoding="UTF-8"?>',
    XMLENTITYENCODER: () => '',
    maps: () => ({ get: lookup }),
    env: () => ({ get: (name: unknown) => process.env[String(name)] ?? null }),
    message: () => messageTool(message),
    JsonUtil: () => JsonUtil,
    XmlUtil: () => XmlUtil,
  };
  return fillTemplate(partsOf(template), (name) => lookup(name) ?? tools[name]?.());
}

/** `message.encodedData`, and `message.getEncodedData()`. */
function messageTool(message: TemplateScope['message']): object {
  return Object.defineProperties(
    {},
    Object.fromEntries(
      Object.entries(message).flatMap(([name, get]): [string, PropertyDescriptor][] => [
        [name, { get }],
        [`get${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`, { value: get }],
      ]),
    ),
  );
}

const DATE_TOOL = {
  get: (pattern: unknown) => formatDate(String(pattern), new Date()),
  format: (pattern: unknown, date: unknown) => formatDate(String(pattern), new Date(Number(date))),
  getDate: () => new Date(),
};

let count = 0;
