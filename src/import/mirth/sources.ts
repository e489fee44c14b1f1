import type { XmlNode } from '../../mirth/e4x/node.ts';
import { type HostDraft, missingAdapter, type Notes } from './drafts.ts';
import { elementsOf, entriesOf, part, partText, textOf } from './read-export.ts';

/** What the source's importer needs to know of its channel. */
export interface SourceContext extends Notes {
  readonly name: string;
  readonly answers: boolean;
  readonly inbound: string;
}

/** The service that a source connector becomes; undefined for a Channel Reader, which other channels send to. */
export function sourceHost(connector: XmlNode, context: SourceContext): HostDraft | undefined {
  const properties = part(connector, 'properties');
  const transport = partText(connector, 'transportName');
  const make = SOURCES[transport];
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
  'JavaScript Reader': (properties, context) => ({
    adapter: `./adapters/${context.name}-in.ts`,
    ...polling(properties, context),
  }),
};

/** `0.0.0.0:6661`. */
function listenAddress(properties: XmlNode, { add, fixed }: Notes): string {
  const at = part(properties, 'listenerConnectorProperties');
  const host = fixed(partText(at, 'host') || '0.0.0.0');
  const port = fixed(partText(at, 'port'));
  if (
    host === undefined ||
    port === undefined ||
    (!/^\d+$/.test(port) && !port.includes('${env'))
  ) {
    add({ kind: 'mark', category: 'addresses', text: 'the port to listen on is not a number' });
    return '0.0.0.0:0';
  }
  return `${host}:${port}`;
}

export interface Frame {
  readonly framing?: string;
  /** Whether something other than MLLP frames it. */
  readonly isOther: boolean;
}

/** Start and end bytes as `framing`. */
export function frameOf(properties: XmlNode): Frame {
  const mode = part(properties, 'transmissionModeProperties');
  const start = partText(mode, 'startOfMessageBytes').toUpperCase();
  const end = partText(mode, 'endOfMessageBytes').toUpperCase();
  const isMllp = mode === undefined || (start === '0B' && end === '1C0D');
  if (isMllp) return { isOther: false };
  return end === '' ? { isOther: true } : { isOther: true, framing: `${start}/${end}` };
}

function tcpListener(properties: XmlNode, context: SourceContext): HostDraft {
  const { add, answers, inbound } = context;
  const frame = frameOf(properties);
  const isHl7 = inbound === 'HL7V2' || !frame.isOther;
  if (partText(properties, 'serverMode') === 'false') {
    const what = 'connects to the sender itself (client mode), which mllp-in does not';
    add({ kind: 'mark', category: 'TCP without HL7', text: what });
    return { ...missingAdapter(`${context.name}-in`, what), settings: {} };
  }
  if (!isHl7 || (frame.isOther && frame.framing === undefined)) {
    const what = 'takes TCP that is not HL7, which mllp-in does not';
    add({ kind: 'mark', category: 'TCP without HL7', text: what });
    return { ...missingAdapter(`${context.name}-in`, what), settings: {} };
  }
  if (inbound !== 'HL7V2') {
    add({
      kind: 'look',
      category: 'TCP',
      text: 'mllp-in takes HL7 only: each message must begin with MSH',
    });
  }
  const variable = partText(properties, 'sourceConnectorProperties/responseVariable');
  const charset = charsetOf(properties);
  const most = Number(partText(properties, 'maxConnections'));
  const acknowledge = answers ? 'application' : variable === 'None' ? 'never' : 'stored';
  if (/Before processing|Destinations completed/.test(variable)) {
    add({
      kind: 'look',
      category: 'answers',
      text: `${variable}: the sender is acknowledged once its message is stored in every queue it goes to`,
    });
  }
  return {
    adapter: 'mllp-in',
    settings: {
      listen: listenAddress(properties, context),
      acknowledge,
      ...(inbound === 'HL7V2' ? {} : { validate: 'none' }),
      ...(frame.framing !== undefined && { framing: frame.framing }),
      ...(charset !== undefined && { charset }),
      ...(most > 10 && { maxConnections: most }),
    },
  };
}

/** The encoding, where it is not the default. */
export function charsetOf(properties: XmlNode): string | undefined {
  const given = partText(properties, 'charsetEncoding') || partText(properties, 'charset');
  return /^(DEFAULT_ENCODING|UTF-8|NONE|)$/i.test(given) ? undefined : given;
}

function httpListener(properties: XmlNode, context: SourceContext): HostDraft {
  const { add, answers } = context;
  const given = partText(properties, 'contextPath').trim().replace(/^\/?/, '/').replace(/\/+$/, '');
  const path = context.fixed(given) ?? '';
  if (partText(properties, 'xmlBody') === 'true') {
    add({
      kind: 'mark',
      category: 'HTTP',
      text: 'the message is an XML document of the request (xmlBody): write the source transformer for the JSON document of http-in',
    });
  }
  if (elementsOf(part(properties, 'staticResources')).length > 0) {
    add({
      kind: 'look',
      category: 'HTTP',
      text: 'static resources are not served by http-in: let a web server do it',
    });
  }
  if (elementsOf(part(properties, 'responseHeaders')).length > 0) {
    add({ kind: 'look', category: 'HTTP', text: 'headers of the answer are left out' });
  }
  const callers = httpCallers(properties, context);
  return {
    adapter: 'http-in',
    settings: {
      listen: listenAddress(properties, context),
      path: `${path}/*`.replace('//', '/'),
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      deliver: 'request',
      headers: ['Content-Type', 'User-Agent'],
      answer: answers ? 'target' : 'stored',
      ...(answers ? {} : { storedStatus: 200 }),
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
    text: `callers are checked by ${kind}: choose one of callers of http-in`,
  });
  return [];
}

/** When a polling service looks. */
function polling(properties: XmlNode, { add }: Notes): Pick<HostDraft, 'settings' | 'keys'> {
  const poll = part(properties, 'pollConnectorProperties');
  const kind = partText(poll, 'pollingType');
  if (kind === 'TIME') {
    const [hour, minute] = [partText(poll, 'pollingHour'), partText(poll, 'pollingMinute')];
    return {
      settings: { every: '1h' },
      keys: { schedule: `cron ${minute} ${hour} * * * for 10m` },
    };
  }
  if (kind === 'CRON') {
    const expressions = elementsOf(part(poll, 'cronJobs')).map(
      (one) => partText(one, 'expression') || textOf(one),
    );
    const [first = '', ...more] = expressions.map(cronOf);
    if (first !== undefined && first !== '' && more.length === 0) {
      return { settings: { every: '1h' }, keys: { schedule: `cron ${first} for 1m` } };
    }
    add({
      kind: 'mark',
      category: 'schedules',
      text: 'cron expressions of Quartz that have no counterpart: write schedule',
    });
    return { settings: {}, keys: { enabled: false } };
  }
  const milliseconds = Number(partText(poll, 'pollingFrequency')) || 5_000;
  return { settings: { every: durationOf(milliseconds) } };
}

/** A cron expression of Quartz with seconds first, as the five fields of cron. */
function cronOf(quartz: string): string | undefined {
  const [seconds = '', minute = '', hour = '', day = '', month = '', weekday = ''] = quartz
    .trim()
    .split(/\s+/);
  if (!/^(0|\*)$/.test(seconds) || /[LW#]/.test(day + weekday)) return undefined;
  const days = /\d/.test(weekday)
    ? weekday.replaceAll(/\d/g, (one) => String(Number(one) - 1))
    : weekday.toLowerCase();
  return [minute, hour, day, month, days]
    .map((field) => field.replaceAll('?', '*'))
    .join(' ')
    .toLowerCase();
}

export function durationOf(milliseconds: number): string {
  if (milliseconds % 3_600_000 === 0 && milliseconds > 0) return `${milliseconds / 3_600_000}h`;
  if (milliseconds % 60_000 === 0 && milliseconds > 0) return `${milliseconds / 60_000}m`;
  return milliseconds % 1_000 === 0 ? `${milliseconds / 1_000}s` : `${milliseconds}ms`;
}

/** The adapter for files at that place, and what reaches it. */
export function filePlace(
  properties: XmlNode,
  direction: 'in' | 'out',
  context: Notes & { readonly name: string },
): {
  readonly adapter: string;
  readonly settings: Record<string, unknown>;
  readonly files?: Readonly<Record<string, string>>;
} {
  const { add, fixed } = context;
  const scheme = (partText(properties, 'scheme') || 'FILE').toUpperCase();
  const given = partText(properties, 'host').trim();
  const folder = fixed(given);
  if (folder === undefined) {
    add({ kind: 'mark', category: 'addresses', text: 'the folder depends on the message' });
  }
  const known = folder ?? '/folder-of-the-message';
  if (scheme === 'FILE') {
    if (known === '') add({ kind: 'mark', category: 'addresses', text: 'no folder is given' });
    return {
      adapter: `file-${direction}`,
      settings: { folder: known === '' ? '/missing' : windowsPath(known, add) },
    };
  }
  if (scheme !== 'SFTP' && scheme !== 'FTP') {
    const what = `files by ${scheme} have no adapter here yet`;
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
    text: 'FTP without encryption, as it was: set security where the server can do TLS',
  });
  return { adapter: `ftps-${direction}`, settings: { ...at, security: 'none' } };
}

function windowsPath(path: string, add: Notes['add']): string {
  const isWindows = /^[A-Za-z]:|^\\\\/.test(path);
  if (isWindows) add({ kind: 'look', category: 'files', text: 'the folder is one of Windows' });
  return path;
}

function fileReader(properties: XmlNode, context: SourceContext): HostDraft {
  const { add, fixed } = context;
  const { adapter, settings, files } = filePlace(properties, 'in', {
    ...context,
    name: `${context.name}-in`,
  });
  const when = polling(properties, context);
  const extra = files === undefined ? {} : { files };
  if (adapter.startsWith('./')) return { adapter, settings, ...extra };
  const pattern = partText(properties, 'fileFilter').trim() || '*';
  if (partText(properties, 'regex') === 'true') {
    add({
      kind: 'mark',
      category: 'file names',
      text: 'files are chosen by a regular expression: write pattern',
    });
  }
  const action = partText(properties, 'afterProcessingAction');
  const archive =
    action === 'MOVE' ? fixed(partText(properties, 'moveToDirectory').trim()) : undefined;
  if (action === 'MOVE' && !archive) {
    add({
      kind: 'look',
      category: 'files',
      text: 'taken files are renamed, or moved to a folder that the message tells: they are left in place and remembered (keep)',
    });
  }
  const keeps = action === 'NONE' || action === '' || (action === 'MOVE' && !archive);
  const failed = fixed(partText(properties, 'errorMoveToDirectory').trim());
  const age = Number(partText(properties, 'fileAge')) || 1_000;
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
      stable: partText(properties, 'checkFileAge') === 'false' ? '0s' : durationOf(age),
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
