import type { XmlNode } from '../../mirth/e4x/node.ts';
import { referencesOf, writtenReferences } from '../../mirth/template.ts';
import { SECRET } from '../redacted.ts';
import { databaseWriter } from './databases.ts';
import {
  type Block,
  type DestinationContext,
  type DestinationDraft,
  missingAdapter,
  type Notes,
} from './drafts.ts';
import { leftOut } from './left-out.ts';
import { durationOf } from './polling.ts';
import { elementsOf, entriesOf, part, partText, textOf, wholeText } from './read-export.ts';
import { charsetOf, dicomTls, filePlace, frameOf, plainFraming, titleOf } from './sources.ts';

type Make = (properties: XmlNode, context: DestinationContext) => DestinationDraft;

export function destinationOf(connector: XmlNode, context: DestinationContext): DestinationDraft {
  const properties = part(connector, 'properties');
  const transport = partText(connector, 'transportName');
  const make = DESTINATIONS[transport];
  leftOut(transport, properties, 'destination', context);
  if (make === undefined || properties === undefined) return missing(transport, context);
  const draft = { ...make(properties, context), ...encodingOf(transport, properties, context) };
  if (draft.host === undefined) return draft;
  const keys = { ...queueKeys(properties, context), ...draft.host.keys };
  return { ...draft, host: { ...draft.host, keys } };
}

/** The encoding of what a sender sends; those of files are settings. */
function encodingOf(
  transport: string,
  properties: XmlNode,
  { add }: Notes,
): Pick<DestinationDraft, 'charset'> {
  const given = /^(TCP|HTTP) Sender$/.test(transport) ? charsetOf(properties) : undefined;
  if (given === undefined) return {};
  if (/^(ISO-8859-1|US-ASCII)$/i.test(given)) return { charset: 'ISO-8859-1' };
  const text = `sends in ${given}: here it is UTF-8; send bytes and charset in a process`;
  add({ kind: 'mark', category: 'encodings', text });
  return {};
}

function missing(transport: string, context: DestinationContext): DestinationDraft {
  const what = `${transport || 'this destination connector'} has no adapter here yet`;
  context.add({ kind: 'mark', category: transport || 'unknown connectors', text: what });
  return { host: { ...missingAdapter(context.name, what), settings: {} } };
}

const DESTINATIONS: Readonly<Record<string, Make>> = {
  'Channel Writer': (properties) => {
    const channel = partText(properties, 'channelId').trim();
    const pass = elementsOf(part(properties, 'mapVariables')).map(textOf);
    return {
      ...(channel !== '' && channel !== 'none' && { channel }),
      template: wholeText(properties, 'channelTemplate'),
      ...(pass.length > 0 && { pass }),
    };
  },
  'JavaScript Writer': (properties) => ({ script: partText(properties, 'script') }),
  'TCP Sender': tcpSender,
  'HTTP Sender': httpSender,
  'File Writer': fileWriter,
  'SMTP Sender': smtpSender,
  'Web Service Sender': webServiceSender,
  'Database Writer': databaseWriter,
  'DICOM Sender': dicomSender,
};

const validates = (properties: XmlNode): boolean =>
  partText(properties, 'destinationConnectorProperties/validateResponse') === 'true';

/** How often sending is tried: with a queue forever, otherwise as often as before. */
function queueKeys(properties: XmlNode, { add }: Notes): Block {
  const queue = part(properties, 'destinationConnectorProperties');
  const every = Number(partText(queue, 'retryIntervalMillis')) || 10_000;
  const count = Number(partText(queue, 'retryCount')) || 0;
  const threads = Number(partText(queue, 'threadCount')) || 1;
  const isQueued = partText(queue, 'queueEnabled') === 'true';
  if (partText(queue, 'rotate') === 'true') {
    add({
      kind: 'look',
      category: 'queues',
      text: 'the queue was rotated: here a message that is retried blocks the queue; order: none lets others pass',
    });
  }
  const how = isQueued ? 'forever' : durationOf(every * count);
  return {
    retry: { every: durationOf(every), for: how },
    ...(threads > 1 && { order: 'none', pool: threads }),
  };
}

function tcpSender(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const { add, fixed, outbound } = context;
  const frame = frameOf(properties);
  const host = fixed(partText(properties, 'remoteAddress').trim());
  const port = fixed(partText(properties, 'remotePort').trim());
  if (host === undefined || port === undefined || host === '' || port === '') {
    add({ kind: 'mark', category: 'addresses', text: 'the address depends on the message' });
  }
  if (partText(properties, 'serverMode') === 'true') {
    add({
      kind: 'mark',
      category: 'TCP without HL7',
      text: 'waits for the receiver to connect, which no adapter supports',
    });
  }
  const connect = `${host || 'address-of-the-message'}:${port || 2575}`;
  const wait = durationOf(Number(partText(properties, 'responseTimeout')) || 5_000);
  const isIgnored = partText(properties, 'ignoreResponse') === 'true';
  const keeps = partText(properties, 'keepConnectionOpen') === 'true';
  const template = wholeText(properties, 'template');
  if (outbound === 'HL7V2' && !isIgnored && !validates(properties)) {
    const text =
      'an answer of AE or AR counted as sent: here it is an error, or suspends the message; replies says otherwise';
    add({ kind: 'look', category: 'answers', text });
  }
  const stay = keeps ? {} : { stayConnected: '0s' };
  const isHl7 = outbound === 'HL7V2' || (outbound === 'RAW' && frame.isMllp);
  if (!isHl7 || frame.end === '') {
    const reply = isIgnored ? { reply: 'none' } : { reply: 'framed', replyTimeout: wait };
    const settings = { connect, ...plainFraming(frame), ...reply, ...stay };
    // any answer counted as success
    return {
      host: { adapter: 'tcp-out', settings, keys: { replies: { other: 'complete' } } },
      template,
    };
  }
  return {
    host: {
      adapter: 'mllp-out',
      settings: {
        connect,
        ...(isIgnored ? { reply: 'none' } : { ackTimeout: wait }),
        ...stay,
        ...(!frame.isMllp && { framing: `${frame.start}/${frame.end}` }),
      },
    },
    template,
  };
}

const METHODS = new Set(['POST', 'PUT', 'PATCH', 'GET', 'DELETE']);

function httpSender(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const { add, fixed } = context;
  const given = partText(properties, 'host').trim();
  const parameters = entriesOf(part(properties, 'parameters'));
  const method = (partText(properties, 'method') || 'post').toUpperCase();
  const isForm =
    method.startsWith('P') &&
    /^\s*application\/x-www-form-urlencoded/i.test(partText(properties, 'contentType'));
  const query = isForm
    ? ''
    : parameters.map(([name, value]) => `${encodeURIComponent(name)}=${value}`).join('&');
  const whole = query === '' ? given : `${given}${given.includes('?') ? '&' : '?'}${query}`;
  const labels = new Labels();
  const url = addressOf(withoutSecrets(whole, context), context, labels);
  if (!METHODS.has(method))
    add({ kind: 'mark', category: 'HTTP', text: `the method ${method} is not supported` });
  if (partText(properties, 'multipart') === 'true') {
    add({
      kind: 'mark',
      category: 'HTTP',
      text: 'sends multipart content: write it in a transform',
    });
  }
  const signIn = httpSignIn(properties, context);
  const headers: string[] = [];
  for (const [name, value] of entriesOf(part(properties, 'headers'))) {
    if (SECRET.test(name) || /^cookie$/i.test(name)) {
      if (signIn['credential'] === undefined)
        Object.assign(signIn, headerSignIn(name, value, context));
      continue;
    }
    headers.push(`${name}: ${labels.filled(braced(value), fixed)}`);
  }
  const type = labels.filled(partText(properties, 'contentType').trim(), fixed);
  const content = wholeText(properties, 'content');
  if (content.trim() === '' && method.startsWith('P') && !isForm) {
    const text =
      'its content is empty, so requests have no body, as before: see whether that is meant';
    add({ kind: 'look', category: 'empty content', text });
  }
  const timeout = Number(partText(properties, 'socketTimeout')) || 30_000;
  const settings = {
    url,
    method: METHODS.has(method) ? method : 'POST',
    ...(headers.length > 0 && { headers }),
    ...(type !== '' && method !== 'GET' && { contentType: type }),
    timeout: durationOf(timeout),
    ...signIn,
  };
  return {
    host: { adapter: 'http-out', settings: labels.settled(settings) },
    ...(isForm
      ? { form: formOf(parameters, context) }
      : { template: withoutSecrets(content, context) }),
    ...labelled(labels),
  };
}

/** The parameters of a form are its body, and the content is not sent. */
const formOf = (
  parameters: readonly (readonly [string, string])[],
  context: Notes,
): [string, string][] =>
  parameters.map(([name, value]) => [
    name,
    withoutSecrets(`${name}=${value}`, context).slice(name.length + 1),
  ]);

const labelled = ({ label }: Labels): Pick<DestinationDraft, 'label'> =>
  label === undefined ? {} : { label };

/** The address: parts that depend on the message become expressions, except for the server itself. */
function addressOf(given: string, { add, fixed }: DestinationContext, labels: Labels): string {
  const [, scheme = 'http://', server = '', rest = ''] =
    /^([a-z]+:\/\/)?((?:\$!?\{[^}]*\}|[^/?])*)(.*)$/is.exec(given) ?? [];
  const known = fixed(server);
  if (known === undefined || known === '') {
    const text =
      known === '' ? 'the address is not a URL' : 'the server’s address depends on the message';
    add({ kind: 'mark', category: 'addresses', text });
    return 'http://address-of-the-message/';
  }
  if (/^[^=]*\?\$!?\{[^}]*\}$/.test(rest) && fixed(rest) === undefined) {
    add({
      kind: 'mark',
      category: 'addresses',
      text: 'the whole query of the address is a single value of the message: write its parts',
    });
  }
  const isWhole = scheme === 'http://' && !given.startsWith('http://') && known.startsWith('${env');
  return `${isWhole ? '' : scheme}${known}${labels.filled(braced(rest), fixed)}`;
}

function httpSignIn(properties: XmlNode, context: DestinationContext): Block {
  if (partText(properties, 'useAuthentication') !== 'true') return {};
  const user = context.fixed(partText(properties, 'username')) ?? 'interface';
  const credential = context.credential('web', { kind: 'basic', user });
  return {
    credential,
    ...(partText(properties, 'authenticationType') === 'Digest' && { signIn: 'digest' }),
  };
}

function headerSignIn(name: string, value: string, context: DestinationContext): Block {
  const isBasic = /^Basic /i.test(value);
  const [user = 'interface'] = isBasic
    ? Buffer.from(value.slice(6), 'base64').toString('utf8').split(':')
    : [];
  if (isBasic)
    return { credential: context.credential('web', { kind: 'basic', user: user || 'interface' }) };
  const credential = context.credential('web', { kind: 'bearer' });
  return /^authorization$/i.test(name)
    ? { credential }
    : { credential, signIn: 'header', keyName: name };
}

/** A text whose secrets are replaced by environment variables. */
function withoutSecrets(text: string, { add }: Notes): string {
  const word = String.raw`(?:passw(?:or)?d|pwd|secret|token|api[-_]?key)`;
  const inText = new RegExp(
    String.raw`(${word}[^<>"'=:&\s]*["']?(?:\s[^<>]*)?\s*(?:[=:]|>)\s*["']?)([^"'<&\s$][^"'<&\s]*)`,
    'gi',
  );
  const inAddress = /(:\/\/)([^/:@\s]+:[^@/\s]+)@/g;
  const made = text.replaceAll(inText, '$1${MIRTH_SECRET}').replaceAll(inAddress, '$1');
  if (made !== text) {
    add({
      kind: 'mark',
      category: 'secrets in a text',
      text: 'the address or template contained a secret, which was left out: use a credential, or set MIRTH_SECRET',
    });
  }
  return made;
}

function fileWriter(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const labels = new Labels();
  const pattern = partText(properties, 'outputPattern').trim() || '${message.messageId}';
  const name = pattern.includes('$') ? labels.add(pattern) : braced(pattern);
  const inFolder = (text: string): string => labels.filled(text, context.fixed);
  const place = filePlace(properties, 'out', { ...context, inFolder });
  const template = wholeText(properties, 'template');
  const { adapter, settings, files } = place;
  const extra = files === undefined ? {} : { files };
  if (adapter.startsWith('./')) return { host: { adapter, settings, ...extra }, template };
  const isAppend = partText(properties, 'outputAppend') === 'true';
  if (isAppend && adapter !== 'file-out') {
    context.add({
      kind: 'look',
      category: 'files',
      text: 'appends to a file on a server: here each message replaces it',
    });
  }
  const exists = partText(properties, 'errorOnExists') === 'true' ? 'suspend' : 'replace';
  const charset = charsetOf(properties);
  const own = {
    ...settings,
    name,
    ...(isAppend && adapter === 'file-out' ? { write: 'append', separator: '' } : { exists }),
    makeFolder: true,
    ...(charset !== undefined && adapter === 'file-out' && { charset }),
  };
  return {
    host: { adapter, settings: labels.settled(own), ...extra },
    template,
    ...labelled(labels),
  };
}

/** A brace begins an expression in a template, except in `${env:…}`. */
const braced = (text: string): string => text.replaceAll(/(?<!\$)\{/g, '{{');

function smtpSender(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const { add, fixed } = context;
  const host = fixed(partText(properties, 'smtpHost').trim());
  const port = fixed(partText(properties, 'smtpPort').trim());
  const labels = new Labels();
  const known = (name: string): string =>
    labels.filled(braced(partText(properties, name).trim()), fixed);
  if (!host || !port) add({ kind: 'mark', category: 'addresses', text: 'no mail server is given' });
  const list = (name: string): string[] =>
    known(name)
      .split(/[,;]/)
      .map((one) => one.trim())
      .filter((one) => one !== '');
  const subject = known('subject') || '{id}';
  const signsIn = partText(properties, 'authentication') === 'true';
  const encryption = partText(properties, 'encryption').toUpperCase();
  const security = { TLS: 'starttls', SSL: 'tls' }[encryption] ?? 'none';
  if (signsIn && security === 'none')
    add({
      kind: 'mark',
      category: 'mail',
      text: 'signs in over an unencrypted connection: choose security',
    });
  if (elementsOf(part(properties, 'attachments')).length > 0) {
    add({
      kind: 'mark',
      category: 'mail',
      text: 'has attachments: only the body of the message can be attached',
    });
  }
  const user = fixed(partText(properties, 'username')) ?? 'interface';
  const [cc, bcc] = [list('cc'), list('bcc')];
  return {
    host: {
      adapter: 'smtp-out',
      settings: labels.settled({
        connect: `${host || 'missing'}:${port || 25}`,
        security,
        ...(signsIn && { credential: context.credential('mail', { kind: 'basic', user }) }),
        from: known('from') || 'missing@example.org',
        to: list('to'),
        ...(cc.length > 0 && { cc }),
        ...(bcc.length > 0 && { bcc }),
        subject,
        body: partText(properties, 'html') === 'true' ? 'html' : 'text',
      }),
    },
    template: wholeText(properties, 'body'),
    type: 'text/plain',
    ...labelled(labels),
  };
}

/** SOAP over HTTP: the envelope is a template, and the answer is its message. */
function dicomSender(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const { add, fixed } = context;
  const host = fixed(partText(properties, 'host').trim());
  const port = fixed(partText(properties, 'port').trim());
  const title = titleOf(properties, 'applicationEntity', context);
  const ownTitle = titleOf(properties, 'localApplicationEntity', context);
  if (host === undefined || port === undefined || host === '' || port === '') {
    add({ kind: 'mark', category: 'addresses', text: 'the address depends on the message' });
  }
  if (title === undefined) {
    const text = 'no AE title of the peer was set: ANY-SCP is called, where titles are not checked';
    add({ kind: 'look', category: 'addresses', text });
  }
  dicomTls(properties, context);
  const seconds = Number(partText(properties, 'rspTo')) || 60;
  return {
    host: {
      adapter: 'dicom-out',
      settings: {
        connect: `${host || 'address-of-the-message'}:${port || 104}`,
        title: title ?? 'ANY-SCP',
        ...(ownTitle !== undefined && { ownTitle }),
        replyTimeout: durationOf(seconds * 1_000),
      },
    },
    // an object is sent as it is, whichever of its names the template has
    template: partText(properties, 'template').replace(
      /^\s*\$\{DICOMMESSAGE\}\s*$/,
      '${message.encodedData}',
    ),
    type: 'application/dicom',
  };
}

function webServiceSender(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const { add } = context;
  const given = (
    partText(properties, 'locationURI') || partText(properties, 'wsdlUrl').replace(/\?wsdl$/i, '')
  ).trim();
  const labels = new Labels();
  const url = addressOf(withoutSecrets(given, context), context, labels);
  const action = context.fixed(partText(properties, 'soapAction').trim());
  if (partText(properties, 'useMtom') === 'true') {
    add({ kind: 'mark', category: 'web services', text: 'sends attachments with MTOM' });
  }
  return {
    host: {
      adapter: 'http-out',
      settings: labels.settled({
        url,
        contentType: 'text/xml; charset=utf-8',
        ...(action !== undefined && { headers: [`SOAPAction: "${action}"`] }),
        ...httpSignIn(properties, context),
      }),
    },
    template: withoutSecrets(partText(properties, 'envelope'), context),
    type: 'text/xml',
    ...labelled(labels),
  };
}

/** A placeholder for a label until their number is known. */
const TOKEN = /\uE100(\d+)\uE101/g;

const SIMPLE_DATE = /^date\.get\(['"]((?:yyyy|yy|MM|dd|HH|mm|ss|SSS|[-_. :])+)['"]\)$/;

/**
 * Values of a host’s settings that depend on the message: they are passed in its name, which expressions of settings can
 * read, separated by tabs.
 */
class Labels {
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
