import { bad, type Setting, type Template } from '../../adapter/setting.ts';
import { RejectedError } from '../../error/adapter-error.ts';
import type { Message } from '../../message/message.ts';
import { percentEncoded } from '../../message/percent-encoded.ts';

/** A web address that is filled in for each message; scheme, host and port are the same for all. */
export interface UrlTemplate {
  /** The address up to the first expression. */
  readonly beginning: URL;
  /** Whether every message goes to `beginning`. */
  readonly fixed: boolean;
  /** Throws a RejectedError if a value would lead out of its place in the path. */
  render(message: Message): Promise<URL>;
}

/**
 * Reads a web address with expressions in braces. Each value that is filled in is percent-encoded,
 * so that the content of a message can never become another host, path or parameter.
 */
export const urlTemplate: Setting<UrlTemplate, string> = {
  kind: 'template',
  help: 'The web address. Values in braces are percent-encoded; scheme, host and port cannot come from a message.',
  read: (given, context) => {
    if (typeof given !== 'string') return bad('must be a web address');
    const [literal = ''] = given.split('{', 1);
    if (!/^https?:\/\/[^/?#{}\s]+([/?#]|$)/i.test(given) || !URL.canParse(literal)) {
      return bad(
        'must begin with http:// or https:// and a literal host, such as https://api.example/patients/{field("PID-3.1")}',
      );
    }
    const beginning = new URL(literal);
    if (beginning.username !== '' || beginning.password !== '') {
      return bad('must not contain a user and password: use a credential');
    }
    const read = context.template(given, percentEncoded);
    if (!read.ok) return read;
    const fixed = !given.includes('{');
    return {
      ok: true,
      value: {
        beginning,
        fixed,
        render: fixed ? () => Promise.resolve(beginning) : (message) => filled(read.value, message),
      },
    };
  },
};

async function filled(template: Template, message: Message): Promise<URL> {
  const text = await template.render(message);
  const [path = ''] = text.split(/[?#]/, 1);
  // A URL silently drops these, and the message would go somewhere else.
  if (path.split('/').some((segment) => /^(\.|%2e){1,2}$/i.test(segment))) {
    throw new RejectedError(
      'A value for the path of url is one or two dots, which would lead to another address. Correct the message, or put the value into the query.',
    );
  }
  return new URL(text);
}

/** `Name: value`, where the value is a template. */
export interface HeaderTemplate {
  readonly name: string;
  readonly value: Template;
}

/** Headers that the client sets itself; another value would break the request or put a secret into the file. */
const OWN = new Set([
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'authorization',
  'proxy-authorization',
  'cookie',
  'expect',
  'upgrade',
  'keep-alive',
  'te',
]);

/** Reads one header line. */
export const headerTemplate: Setting<HeaderTemplate, string> = {
  kind: 'template',
  help: 'A header as Name: value; the value may have expressions in braces.',
  example: 'X-Request-ID: {id}',
  read: (given, context) => {
    const [, name, value] =
      typeof given === 'string' ? (/^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*)$/.exec(given) ?? []) : [];
    if (name === undefined || value === undefined)
      return bad('must be a header such as X-Sender: {source}');
    if (OWN.has(name.toLowerCase())) {
      return bad(`must not be ${name}: it is set automatically (a sign-in through credential)`);
    }
    const read = context.template(value);
    return read.ok ? { ok: true, value: { name, value: read.value } } : read;
  },
};
