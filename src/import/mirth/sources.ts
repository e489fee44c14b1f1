import type { XmlNode } from '../../mirth/e4x/node.ts';
import { variableName } from '../names.ts';
import { databaseReader } from './databases.ts';
import { type HostDraft, missingAdapter, type Notes, type SourceContext } from './drafts.ts';
import { leftOut } from './left-out.ts';
import { durationOf, polling } from './polling.ts';
import { elementsOf, entriesOf, part, partText } from './read-export.ts';

/** The service that a source connector becomes; undefined for a Channel Reader, which other channels send to. */
export function sourceHost(connector: XmlNode, context: SourceContext): HostDraft | undefined {
  const properties = part(connector, 'properties');
  const transport = partText(connector, 'transportName');
  const make = SOURCES[transport];
  leftOut(transport, properties, 'source', context);
  if (make !== undefined && properties !== undefined) return make(properties, context);
  const what = `${transport || 'this source connector'} has no adapter here yet`;
  context.add({ kind: 'mark', category: transport || 'unknown connectors', text: what });
  return { ...missingAdapter(`${context.name}-in`, what), settings: {} };
}

type Make = (properties: XmlNode, context: SourceContext) => HostDraft | undefined;

const SOURCES: Readonly<Record<string, Make>> = {
  'Channel Reader': () => undefined,
  'TCP Listener': tcpListener,
  'HTTP Listener': httpListener,
  'File Reader': fileReader,
  'Database Reader': databaseReader,
  'DICOM Listener': dicomListener,
  'JavaScript Reader': (properties, context) => ({
    adapter: `./adapters/${context.name}-in.ts`,
    ...polling(properties, context),
  }),
};

/** `0.0.0.0:6661`. */
function listenAddress(properties: XmlNode, notes: Notes): string {
  const at = part(properties, 'listenerConnectorProperties');
  const host = notes.fixed(partText(at, 'host') || '0.0.0.0');
  const given = partText(at, 'port').trim();
  const port =
    /^\W*[A-Za-z]\w*\W*$/.test(given) && !given.includes('$')
      ? placeholder(given, notes)
      : notes.fixed(given);
  const isPort = port !== undefined && (/^\d+$/.test(port) || port.includes('${env'));
  if (host !== undefined && isPort) return `${host}:${port}`;
  notes.add({ kind: 'mark', category: 'addresses', text: 'the port to listen on is not a number' });
  return '0.0.0.0:0';
}

/** Placeholders such as `{{MLLP_PORT}}`, filled in by a deployment: an environment variable. */
function placeholder(given: string, { add, environment }: Notes): string {
  const name = environment(variableName(given));
  add({
    kind: 'give',
    category: 'configuration',
    text: `the environment variable ${name}, a placeholder for a port in the export`,
  });
  return `\${env:${name}}`;
}

export interface Framing {
  /** The bytes around a message, in hexadecimal. */
  readonly start: string;
  readonly end: string;
  readonly isMllp: boolean;
}

/** How messages are framed on the wire. */
export function frameOf(properties: XmlNode | undefined): Framing {
  const mode = part(properties, 'transmissionModeProperties');
  const start = partText(mode, 'startOfMessageBytes').toUpperCase();
  const end = partText(mode, 'endOfMessageBytes').toUpperCase();
  if (mode === undefined) return { start: '0B', end: '1C0D', isMllp: true };
  return { start, end, isMllp: start === '0B' && end === '1C0D' };
}

/** The same as a setting of the adapters for plain TCP. */
export function plainFraming({ start, end }: Framing): Record<string, unknown> {
  if (end === '') return { framing: 'closed' };
  return {
    framing: 'marks',
    ...(start !== '' && { startMark: `0x${start}` }),
    endMark: `0x${end}`,
  };
}

function tcpListener(properties: XmlNode, context: SourceContext): HostDraft {
  const { add, answers, inbound } = context;
  const frame = frameOf(properties);
  const callsOut = partText(properties, 'serverMode') === 'false';
  const variable = partText(properties, 'sourceConnectorProperties/responseVariable');
  if (inbound !== 'HL7V2' || frame.end === '' || callsOut) {
    return plainListener(properties, { ...context, frame, callsOut, variable });
  }
  const charset = charsetOf(properties);
  const most = Number(partText(properties, 'maxConnections'));
  const acknowledge = answers ? 'application' : variable === 'None' ? 'never' : 'stored';
  if (/Before processing|Destinations completed/.test(variable)) {
    add({
      kind: 'look',
      category: 'answers',
      text: `${variable}: the sender is acknowledged once its message is stored in every target queue`,
    });
  }
  return {
    adapter: 'mllp-in',
    settings: {
      listen: listenAddress(properties, context),
      acknowledge,
      ...(!frame.isMllp && { framing: `${frame.start}/${frame.end}` }),
      ...(charset !== undefined && { charset }),
      ...(most > 10 && { maxConnections: most }),
    },
  };
}

interface PlainContext extends SourceContext {
  readonly frame: Framing;
  readonly callsOut: boolean;
  readonly variable: string;
}

/** For what is not HL7, or comes over a connection that we open. */
function plainListener(properties: XmlNode, context: PlainContext): HostDraft {
  const { add, answers, inbound, frame, callsOut, variable } = context;
  if (inbound === 'HL7V2' && !answers && variable.startsWith('Auto-generate')) {
    add({
      kind: 'mark',
      category: 'acknowledgements',
      text: 'acknowledges HL7 over a connection that tcp-in opens or that ends with its message: let the process answer, with answer: postprocessor',
    });
  }
  const charset = charsetOf(properties);
  const peer = `${context.fixed(partText(properties, 'remoteAddress').trim()) || 'missing'}:${context.fixed(partText(properties, 'remotePort').trim()) || 4000}`;
  const where = callsOut
    ? { callOut: { connect: peer } }
    : { listen: listenAddress(properties, context) };
  return {
    adapter: 'tcp-in',
    settings: {
      ...where,
      ...plainFraming(frame),
      answer: answers ? 'target' : 'none',
      ...(charset !== undefined && { charset }),
    },
  };
}

/** The AE title that a connector names; none where that is empty or depends on the message. */
export function titleOf(properties: XmlNode, name: string, { fixed }: Notes): string | undefined {
  return fixed(partText(properties, name).trim()) || undefined;
}

/** A key store of Java holds what `tls` takes as a credential and a file. */
export function dicomTls(properties: XmlNode, { add }: Notes): void {
  const kind = partText(properties, 'tls');
  if (kind === '' || kind === 'notls') return;
  const text = `TLS (${kind}) from a key store: give its certificate and key as a credential under tls`;
  add({ kind: 'mark', category: 'TLS', text });
}

function dicomListener(properties: XmlNode, context: SourceContext): HostDraft {
  const title = titleOf(properties, 'applicationEntity', context);
  dicomTls(properties, context);
  return {
    adapter: 'dicom-in',
    settings: {
      listen: listenAddress(properties, context),
      ...(title !== undefined && { title }),
    },
  };
}

/** The encoding, unless it is the default. */
export function charsetOf(properties: XmlNode): string | undefined {
  const given = partText(properties, 'charsetEncoding') || partText(properties, 'charset');
  return /^(DEFAULT_ENCODING|UTF-8|NONE|)$/i.test(given) ? undefined : given;
}

function httpListener(properties: XmlNode, context: SourceContext): HostDraft {
  const { add, answers } = context;
  const given = partText(properties, 'contextPath').trim().replace(/^\/?/, '/').replace(/\/+$/, '');
  const path = context.fixed(given) ?? '';
  if (elementsOf(part(properties, 'staticResources')).length > 0) {
    add({
      kind: 'look',
      category: 'HTTP',
      text: 'static resources are not served by http-in: use a web server',
    });
  }
  if (elementsOf(part(properties, 'responseHeaders')).length > 0) {
    add({ kind: 'look', category: 'HTTP', text: 'headers of the answer were left out' });
  }
  const callers = httpCallers(properties, context);
  return {
    adapter: 'http-in',
    settings: {
      listen: listenAddress(properties, context),
      path: `${path}/*`.replace('//', '/'),
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      deliver: 'request',
      headers: context.headers,
      answer: answers ? 'target' : 'stored',
      ...(answers ? {} : { storedStatus: 200 }),
      receipt: 'none',
      ...(callers.length > 0 && { callers }),
    },
  };
}

function httpCallers(properties: XmlNode, context: SourceContext): unknown[] {
  const plugin = elementsOf(part(properties, 'pluginProperties')).find(({ name }) =>
    name.endsWith('HttpAuthProperties'),
  );
  const kind = partText(plugin, 'authType');
  if (plugin === undefined || kind === 'NONE' || kind === '') return [];
  const accounts = entriesOf(part(plugin, 'credentials'));
  if (kind === 'BASIC' && accounts.length > 0) {
    const credentials = accounts.map(([user]) =>
      context.credential(`caller-${user}`, { kind: 'basic', user }),
    );
    return [{ kind: 'basic', credentials }];
  }
  context.add({
    kind: 'mark',
    category: 'HTTP',
    text: `callers are checked by ${kind}: choose from callers of http-in`,
  });
  return [];
}

/** The adapter for that kind of storage, and its connection settings. */
export function filePlace(
  properties: XmlNode,
  direction: 'in' | 'out',
  context: Notes & {
    readonly name: string;
    /** A folder with expressions for what depends on the message. */
    readonly inFolder?: (text: string) => string;
  },
): {
  readonly adapter: string;
  readonly settings: Record<string, unknown>;
  readonly files?: Readonly<Record<string, string>>;
} {
  const { add, fixed } = context;
  const scheme = (partText(properties, 'scheme') || 'FILE').toUpperCase();
  const given = partText(properties, 'host').trim();
  const folder = fixed(given) ?? folderOf(given, context);
  const known = folder ?? '/folder-of-the-message';
  if (scheme === 'FILE') {
    if (known === '') add({ kind: 'mark', category: 'addresses', text: 'no folder is given' });
    return {
      adapter: `file-${direction}`,
      settings: { folder: known === '' ? '/missing' : windowsPath(known, add) },
    };
  }
  if (scheme !== 'SFTP' && scheme !== 'FTP') {
    const what = `there is no adapter for files by ${scheme} yet`;
    add({ kind: 'mark', category: `files by ${scheme}`, text: what });
    return { ...missingAdapter(context.name, what), settings: {} };
  }
  const [host = '', ...path] = known.split('/');
  const user = fixed(partText(properties, 'username')) ?? 'interface';
  const isAnonymous = partText(properties, 'anonymous') === 'true';
  const credential = context.credential('files', {
    kind: 'basic',
    user: isAnonymous ? 'anonymous' : user,
  });
  const isSftp = scheme === 'SFTP';
  const connect = /:\d+$/.test(host) ? host : `${host}:${isSftp ? 22 : 21}`;
  const at = { connect, credential, folder: `/${path.join('/')}` };
  if (isSftp) {
    add({
      kind: 'give',
      category: 'host keys',
      text: 'the server’s host key: put it into known_hosts (`ssh-keyscan` prints it)',
    });
    return {
      adapter: `sftp-${direction}`,
      settings: { ...at, knownHosts: 'known_hosts' },
      files: { known_hosts: '# ssh-keyscan host >> known_hosts\n' },
    };
  }
  add({
    kind: 'look',
    category: 'files',
    text: 'FTP without encryption, as before: set security if the server supports TLS',
  });
  return { adapter: `ftps-${direction}`, settings: { ...at, security: 'none' } };
}

/** A folder with parts that come from the message. */
function folderOf(
  given: string,
  { add, inFolder }: Notes & { readonly inFolder?: (text: string) => string },
): string | undefined {
  const isBelow = /^[^$]*[/\\][^$]+/.test(given) || /^([A-Za-z]:)?[/\\]/.test(given);
  if (inFolder !== undefined && isBelow) return inFolder(given.replaceAll(/(?<!\$)\{/g, '{{'));
  add({ kind: 'mark', category: 'addresses', text: 'the folder depends on the message' });
  return undefined;
}

function windowsPath(path: string, add: Notes['add']): string {
  const isWindows = /^[A-Za-z]:|^\\\\/.test(path);
  if (isWindows) add({ kind: 'look', category: 'files', text: 'the folder is a Windows path' });
  return path;
}

function fileReader(properties: XmlNode, context: SourceContext): HostDraft {
  const { add, fixed } = context;
  const { adapter, settings, files } = filePlace(properties, 'in', {
    ...context,
    name: `${context.name}-in`,
  });
  const waits = partText(properties, 'checkFileAge') !== 'false';
  const age = waits ? Number(partText(properties, 'fileAge')) || 1_000 : 0;
  // a shorter wait fits into any turn
  const when = polling(properties, context, age < 30_000 ? 0 : age);
  const extra = files === undefined ? {} : { files };
  if (adapter.startsWith('./')) return { adapter, settings, ...extra };
  const pattern = partText(properties, 'fileFilter').trim() || '*';
  if (partText(properties, 'regex') === 'true') {
    add({
      kind: 'mark',
      category: 'file names',
      text: 'files are selected by a regular expression: write pattern',
    });
  }
  const action = partText(properties, 'afterProcessingAction');
  const archive =
    action === 'MOVE' ? fixed(partText(properties, 'moveToDirectory').trim()) : undefined;
  if (action === 'MOVE' && !archive) {
    add({
      kind: 'look',
      category: 'files',
      text: 'processed files were renamed, or moved to a folder that depends on the message: here they are left in place and remembered (keep)',
    });
  }
  const keeps = action === 'NONE' || action === '' || (action === 'MOVE' && !archive);
  const failed = fixed(partText(properties, 'errorMoveToDirectory').trim());
  const charset = charsetOf(properties);
  const order = { date: 'oldest', name: 'name' }[partText(properties, 'sortBy')] ?? 'oldest';
  return {
    adapter,
    settings: {
      ...settings,
      pattern: pattern.split(',').map((one) => one.trim()),
      ...(partText(properties, 'directoryRecursion') === 'true' && { subfolders: 16 }),
      order,
      ...when.settings,
      stable: durationOf(age),
      ...(archive !== undefined && archive !== '' && { archive }),
      ...(keeps && { keep: true }),
      ...(failed !== undefined && failed !== '' && { failed }),
      ...(partText(properties, 'sourceConnectorProperties/processBatch') === 'true'
        ? {}
        : { batch: 'whole' }),
      ...(charset !== undefined && { charset }),
    },
    ...(when.keys !== undefined && { keys: when.keys }),
    ...extra,
  };
}
