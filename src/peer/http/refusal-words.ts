import type { HttpAnswer } from './http-exchange.ts';
import { mediaTypeOf } from './media-type.ts';
import { outcomeText } from './operation-outcome.ts';

/** A longer answer is not an explanation. */
const EXPLAINS_WITHIN = 262_144;
const LONGEST = 2_000;

/**
 * Why a web server refused, in its own words: a problem document (RFC 9457), an OperationOutcome, a
 * SOAP fault, the `message` or `error` that most other services give, the title of a page, or plain
 * text. Undefined if it did not refuse, or gives no reason.
 */
export function refusalWords({
  status,
  headers,
  body,
}: Pick<HttpAnswer, 'status' | 'headers' | 'body'>): string | undefined {
  if (status < 400 || body.byteLength === 0 || body.byteLength > EXPLAINS_WITHIN) return undefined;
  const { type } = mediaTypeOf(headers['content-type']);
  const text = body.toString('utf8');
  if (/json/.test(type)) return clean(jsonWords(text));
  if (/html/.test(type)) return clean(within(/<title[^>]*>([^<]{1,300})</i, text));
  if (/xml/.test(type)) return clean(xmlWords(text));
  return type === 'text/plain' ? clean(text.slice(0, LONGEST)) : undefined;
}

function clean(words: string | undefined): string | undefined {
  const told = words
    ?.split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')
    .slice(0, LONGEST);
  return told === '' ? undefined : told;
}

function jsonWords(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    // it only claims to be JSON
    return undefined;
  }
  const outcome = outcomeText(value);
  if (outcome !== undefined) return outcome;
  const { title, detail, message, error, error_description: description } = fieldsOf(value);
  const told = [title, detail, message, error, description, fieldsOf(error)['message']];
  const words = told.filter((one): one is string => typeof one === 'string' && one.trim() !== '');
  return words.length === 0 ? undefined : [...new Set(words)].join(': ');
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  Object(value) as Readonly<Record<string, unknown>>;

/** The reason of SOAP 1.1 and 1.2, the title and detail of a problem in XML, the words of an OperationOutcome in XML. */
function xmlWords(text: string): string | undefined {
  const fault =
    within(/<faultstring[^>]*>([^<]{1,2000}|<!\[CDATA\[[^\]]{1,2000}\]\])/, text) ??
    within(/<(?:[\w-]{1,40}:)?Reason[^>]*>\s*<(?:[\w-]{1,40}:)?Text[^>]*>([^<]{1,2000})/, text);
  if (fault !== undefined) return fault;
  const told = [
    within(/<title>([^<]{1,2000})/, text),
    within(/<detail>([^<]{1,2000})/, text),
    ...(text.includes('OperationOutcome')
      ? [
          within(/<text value="([^"]{1,2000})"/, text),
          within(/<diagnostics value="([^"]{1,2000})"/, text),
        ]
      : []),
  ].filter((one) => one !== undefined);
  return told.length === 0 ? undefined : told.join(': ');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
};

function within(pattern: RegExp, text: string): string | undefined {
  return pattern
    .exec(text)?.[1]
    ?.replace('<![CDATA[', '')
    .replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITIES[entity] ?? entity);
}
