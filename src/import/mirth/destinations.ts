import type { XmlNode } from '../../mirth/e4x/node.ts';
import { type Block, type HostDraft, missingAdapter, type Notes } from './drafts.ts';
import { elementsOf, entriesOf, part, partText, textOf } from './read-export.ts';
import { SECRET } from './script/names.ts';
import { charsetOf, durationOf, filePlace, frameOf } from './sources.ts';

export interface DestinationContext extends Notes {
  readonly name: string;
}

/** What a destination connector became. */
export interface DestinationDraft {
  /** Its operation; none where a script alone is run, or the message goes to another channel. */
  readonly host?: HostDraft;
  /** The id of the channel that a Channel Writer sends to. */
  readonly channel?: string;
  /** The script of a JavaScript Writer. */
  readonly script?: string;
  readonly template?: string;
  readonly label?: string;
  readonly type?: string;
  readonly pass?: readonly string[];
}

type Make = (properties: XmlNode, context: DestinationContext) => DestinationDraft;

export function destinationOf(connector: XmlNode, context: DestinationContext): DestinationDraft {
  const properties = part(connector, 'properties');
  const transport = partText(connector, 'transportName');
  const make = DESTINATIONS[transport];
  if (make === undefined || properties === undefined) return missing(transport, context);
  const draft = make(properties, context);
  if (draft.host === undefined) return draft;
  const keys = { ...queueKeys(properties, context), ...draft.host.keys };
  return { ...draft, host: { ...draft.host, keys } };
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
      template: partText(properties, 'channelTemplate'),
      ...(pass.length > 0 && { pass }),
    };
  },
  'JavaScript Writer': (properties) => ({ script: partText(properties, 'script') }),
  'TCP Sender': tcpSender,
  'HTTP Sender': httpSender,
  'File Writer': fileWriter,
  'SMTP Sender': smtpSender,
  'Web Service Sender': webServiceSender,
};

/** How often it is tried: a queue is tried for ever, else as often as it was. */
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
      text: 'the queue was rotated: here a message that is tried again holds the line; order: none lets others pass',
    });
  }
  const how = isQueued ? 'forever' : durationOf(every * count);
  return {
    retry: { every: durationOf(every), for: how },
    ...(threads > 1 && { order: 'none', pool: threads }),
  };
}

function tcpSender(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const { add, fixed } = context;
  const frame = frameOf(properties);
  const host = fixed(partText(properties, 'remoteAddress').trim());
  const port = fixed(partText(properties, 'remotePort').trim());
  if (host === undefined || port === undefined || host === '' || port === '') {
    add({ kind: 'mark', category: 'addresses', text: 'the address depends on the message' });
  }
  if (frame.isOther && frame.framing === undefined) {
    add({
      kind: 'mark',
      category: 'TCP without HL7',
      text: 'messages without an end are sent, which mllp-out does not',
    });
  }
  if (partText(properties, 'serverMode') === 'true') {
    add({
      kind: 'mark',
      category: 'TCP without HL7',
      text: 'waits for the receiver to connect, which mllp-out does not',
    });
  }
  const wait = Number(partText(properties, 'responseTimeout')) || 5_000;
  const isIgnored = partText(properties, 'ignoreResponse') === 'true';
  const keeps = partText(properties, 'keepConnectionOpen') === 'true';
  return {
    host: {
      adapter: 'mllp-out',
      settings: {
        connect: `${host || 'address-of-the-message'}:${port || 2575}`,
        ...(isIgnored ? { reply: 'none' } : { ackTimeout: durationOf(wait) }),
        ...(keeps ? {} : { stayConnected: '0s' }),
        ...(frame.framing !== undefined && { framing: frame.framing }),
      },
    },
    template: partText(properties, 'template'),
  };
}

const METHODS = new Set(['POST', 'PUT', 'PATCH', 'GET', 'DELETE']);

function httpSender(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const { add, fixed } = context;
  const given = partText(properties, 'host').trim();
  const parameters = entriesOf(part(properties, 'parameters'));
  const query = parameters.map(([name, value]) => `${encodeURIComponent(name)}=${value}`).join('&');
  const whole = query === '' ? given : `${given}${given.includes('?') ? '&' : '?'}${query}`;
  const { url, label } = addressOf(withoutSecrets(whole, context), context);
  const method = (partText(properties, 'method') || 'post').toUpperCase();
  if (!METHODS.has(method))
    add({ kind: 'mark', category: 'HTTP', text: `the method ${method} has no counterpart` });
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
    const known = fixed(value);
    if (known === undefined)
      add({ kind: 'mark', category: 'HTTP', text: `the header ${name} depends on the message` });
    else headers.push(`${name}: ${known}`);
  }
  const type = fixed(partText(properties, 'contentType').trim()) ?? '';
  const timeout = Number(partText(properties, 'socketTimeout')) || 30_000;
  return {
    host: {
      adapter: 'http-out',
      settings: {
        url,
        method: METHODS.has(method) ? method : 'POST',
        ...(headers.length > 0 && { headers }),
        ...(type !== '' && method !== 'GET' && { contentType: type }),
        timeout: durationOf(timeout),
        ...signIn,
      },
    },
    template: withoutSecrets(partText(properties, 'content'), context),
    ...(label !== undefined && { label }),
  };
}

/** The address, where at most one segment or value of it is the message's: that becomes the label of the message. */
function addressOf(
  given: string,
  { add, fixed }: DestinationContext,
): { readonly url: string; readonly label?: string } {
  const whole = fixed(given);
  if (whole !== undefined) {
    if (!/^(https?:\/\/|\$\{env)/.test(whole))
      add({ kind: 'mark', category: 'addresses', text: 'the address is no URL' });
    return { url: /^(https?:|\$)/.test(whole) ? whole : `http://${whole || 'missing'}` };
  }
  const found = /^(https?:\/\/[^/$]+\/(?:[^$]*[/=?&])?)(\$\{[^}]+\})([^$]*)$/.exec(given);
  const [, before = '', variable, after = ''] = found ?? [];
  if (variable !== undefined) return { url: `${before}{name}${after}`, label: variable };
  add({
    kind: 'mark',
    category: 'addresses',
    text: 'the address depends on the message in more than one place',
  });
  return { url: 'http://address-of-the-message/' };
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

/** A text without what in it is a secret: a variable of the environment stands for that. */
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
      text: 'a secret stood in the address or template: it was left out; sign in by a credential, or set MIRTH_SECRET',
    });
  }
  return made;
}

function fileWriter(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const place = filePlace(properties, 'out', context);
  const label = partText(properties, 'outputPattern').trim();
  const template = partText(properties, 'template');
  const { adapter, settings, files } = place;
  const extra = files === undefined ? {} : { files };
  if (adapter.startsWith('./')) return { host: { adapter, settings, ...extra }, template, label };
  const isAppend = partText(properties, 'outputAppend') === 'true';
  if (isAppend && adapter !== 'file-out') {
    context.add({
      kind: 'look',
      category: 'files',
      text: 'appends to a file at a server: each message replaces it here',
    });
  }
  const exists = partText(properties, 'errorOnExists') === 'true' ? 'suspend' : 'replace';
  const charset = charsetOf(properties);
  return {
    host: {
      adapter,
      settings: {
        ...settings,
        folder: braced(String(settings['folder'])),
        name: '{name}',
        ...(isAppend && adapter === 'file-out' ? { write: 'append', separator: '' } : { exists }),
        makeFolder: true,
        ...(charset !== undefined && adapter === 'file-out' && { charset }),
      },
      ...extra,
    },
    template,
    label: label === '' ? '${message.messageId}' : label,
  };
}

/** A brace begins an expression in a template; that of `${env:…}` does not. */
const braced = (text: string): string => text.replaceAll(/(?<!\$)\{/g, '{{');

function smtpSender(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const { add, fixed } = context;
  const host = fixed(partText(properties, 'smtpHost').trim());
  const port = fixed(partText(properties, 'smtpPort').trim());
  const known = (name: string): string => {
    const value = fixed(partText(properties, name).trim());
    if (value === undefined)
      add({ kind: 'mark', category: 'mail', text: `${name} depends on the message` });
    return value ?? '';
  };
  if (!host || !port)
    add({ kind: 'mark', category: 'addresses', text: 'the mail server is not given' });
  const list = (name: string): string[] =>
    known(name)
      .split(/[,;]/)
      .map((one) => one.trim())
      .filter((one) => one !== '');
  const subject = partText(properties, 'subject');
  const fixedSubject = fixed(subject);
  const signsIn = partText(properties, 'authentication') === 'true';
  const encryption = partText(properties, 'encryption').toUpperCase();
  const security = { TLS: 'starttls', SSL: 'tls' }[encryption] ?? 'none';
  if (signsIn && security === 'none')
    add({ kind: 'mark', category: 'mail', text: 'signs in without encryption: choose security' });
  if (elementsOf(part(properties, 'attachments')).length > 0) {
    add({
      kind: 'mark',
      category: 'mail',
      text: 'has attachments: only the body of a message can be one',
    });
  }
  const user = fixed(partText(properties, 'username')) ?? 'interface';
  const [cc, bcc] = [list('cc'), list('bcc')];
  return {
    host: {
      adapter: 'smtp-out',
      settings: {
        connect: `${host || 'missing'}:${port || 25}`,
        security,
        ...(signsIn && { credential: context.credential('mail', { kind: 'basic', user }) }),
        from: known('from') || 'missing@example.org',
        to: list('to'),
        ...(cc.length > 0 && { cc }),
        ...(bcc.length > 0 && { bcc }),
        subject: fixedSubject === undefined ? '{name}' : fixedSubject || '{id}',
        body: partText(properties, 'html') === 'true' ? 'html' : 'text',
      },
    },
    template: partText(properties, 'body'),
    type: 'text/plain',
    ...(fixedSubject === undefined && { label: subject }),
  };
}

/** SOAP over HTTP: the envelope is a template, and the answer its message. */
function webServiceSender(properties: XmlNode, context: DestinationContext): DestinationDraft {
  const { add } = context;
  const given = (
    partText(properties, 'locationURI') || partText(properties, 'wsdlUrl').replace(/\?wsdl$/i, '')
  ).trim();
  const { url, label } = addressOf(withoutSecrets(given, context), context);
  const action = context.fixed(partText(properties, 'soapAction').trim());
  if (partText(properties, 'useMtom') === 'true') {
    add({ kind: 'mark', category: 'web services', text: 'sends attachments by MTOM' });
  }
  return {
    host: {
      adapter: 'http-out',
      settings: {
        url,
        contentType: 'text/xml; charset=utf-8',
        ...(action !== undefined && { headers: [`SOAPAction: "${action}"`] }),
        ...httpSignIn(properties, context),
      },
    },
    template: withoutSecrets(partText(properties, 'envelope'), context),
    type: 'text/xml',
    ...(label !== undefined && { label }),
  };
}
