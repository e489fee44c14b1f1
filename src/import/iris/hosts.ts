import type { TranslationReport } from './rules.ts';

type Block = Record<string, unknown>;

/** An item of a production, with its settings by name. */
export interface Item {
  readonly name: string;
  readonly className: string;
  readonly settings: Pick<ReadonlyMap<string, string>, 'get'>;
}

/** What an item was turned into. */
export interface Host {
  readonly adapter: string;
  readonly settings: Block;
  readonly keys?: Block;
}

export interface HostContext extends TranslationReport {
  /** The name of a credential; a person provides its secret. */
  readonly credential: (name: string) => string;
}

type Make = (item: Item, context: HostContext) => Host;

const get = ({ settings }: Item, name: string, otherwise = ''): string =>
  settings.get(name) || otherwise;

/** Seconds as a duration; `forever` for -1. */
const seconds = (text: string): string => (Number(text) < 0 ? 'forever' : `${Number(text) || 0}s`);

const FOLDER = '/missing';

/** TLS was a named configuration of the instance, which exports do not contain. */
function secured(item: Item, { mark }: HostContext, settings: Block): Block {
  if (get(item, 'SSLConfig') === '') return settings;
  mark(
    item.name,
    'TLS',
    `its TLS configuration ${get(item, 'SSLConfig')} is not in the export: write tls`,
  );
  return { ...settings, tls: 'UNDONE' };
}

function tcpAddress(
  item: Item,
  context: HostContext,
  [host, port]: readonly [string, string],
): string {
  if (get(item, port) === '')
    context.mark(item.name, 'addresses', 'it has no port: it came from system default settings');
  return `${host}:${get(item, port, '0')}`;
}

const ACKNOWLEDGE: Readonly<Record<string, string>> = {
  Immediate: 'stored',
  Application: 'application',
  'MSH-determined': 'by-message',
  Never: 'never',
};

const mllpIn: Make = (item, context) => ({
  adapter: 'mllp-in',
  settings: secured(item, context, {
    listen: tcpAddress(item, context, ['0.0.0.0', 'Port']),
    acknowledge: ACKNOWLEDGE[get(item, 'AckMode', 'Immediate')] ?? 'stored',
  }),
});

const mllpOut: Make = (item, context) => {
  if (get(item, 'IPAddress') === '')
    context.mark(item.name, 'addresses', 'it has no address: it came from system default settings');
  return {
    adapter: 'mllp-out',
    settings: secured(item, context, {
      connect: tcpAddress(item, context, [get(item, 'IPAddress', 'missing'), 'Port']),
      ackTimeout: seconds(get(item, 'ResponseTimeout', '30')),
      stayConnected: seconds(get(item, 'StayConnected', '-1')),
    }),
    keys: { retry: retryOf(item) },
  };
};

const retryOf = (item: Item): Block => ({
  every: seconds(get(item, 'RetryInterval', '5')),
  for: seconds(get(item, 'FailureTimeout', '15')),
});

const fileIn: Make = (item) => ({
  adapter: 'file-in',
  settings: {
    folder: get(item, 'FilePath', FOLDER),
    pattern: get(item, 'FileSpec', '*').split(';'),
    every: seconds(get(item, 'CallInterval', '5')),
    ...(get(item, 'ArchivePath') !== '' && { archive: get(item, 'ArchivePath') }),
    ...(item.className.includes('Passthrough') && { batch: 'whole' }),
  },
});

/** Placeholders of a file name → expressions. */
const NAME_MARKS: Readonly<Record<string, string>> = {
  f: '{name}',
  Q: '{format(now(), "yyyy-MM-dd_HH.mm.ss.SSS")}',
  T: '{format(now(), "yyyy-MM-dd_HH.mm.ss")}',
  D: '{format(now(), "yyyyMMdd")}',
  i: '{id}',
};

function fileName(item: Item, { look }: HostContext): string {
  const given = get(item, 'Filename', '%f_%Q');
  const made = given
    .replaceAll('{', '{{')
    .replaceAll('}', '}}')
    .replaceAll(
      /%([A-Za-z])(?:%!?\+?\(_?\w\))?/g,
      (whole, mark: string) => NAME_MARKS[mark] ?? whole,
    );
  if (/%/.test(made))
    look(item.name, 'files', `the file name ${given} has placeholders that were not translated`);
  return made;
}

const fileOut: Make = (item, context) => ({
  adapter: 'file-out',
  settings: {
    folder: get(item, 'FilePath', FOLDER),
    name: fileName(item, context),
    ...(get(item, 'Overwrite', '1') === '1' ? { exists: 'replace' } : { write: 'append' }),
  },
  keys: { retry: retryOf(item) },
});

function server(item: Item, context: HostContext, direction: 'in' | 'out'): Host {
  const isSftp = /^!?SFTP/i.test(get(item, 'Protocol')) || get(item, 'SSLConfig') === '!SFTP';
  const port = get(item, 'FTPPort', isSftp ? '22' : '21');
  const at = {
    connect: `${get(item, 'FTPServer', 'missing')}:${port}`,
    credential: context.credential(get(item, 'Credentials', item.name)),
    folder: get(item, 'FilePath', '/'),
  };
  const more =
    direction === 'in'
      ? { pattern: get(item, 'FileSpec', '*').split(';') }
      : { name: fileName(item, context) };
  const how = isSftp
    ? { knownHosts: 'known_hosts' }
    : { security: get(item, 'SSLConfig') === '' ? 'none' : 'explicit' };
  return {
    adapter: `${isSftp ? 'sftp' : 'ftps'}-${direction}`,
    settings: { ...at, ...more, ...how },
  };
}

const httpIn: Make = (item, context) => ({
  adapter: 'http-in',
  settings: secured(item, context, {
    listen: tcpAddress(item, context, ['0.0.0.0', 'Port']),
    path: '/*',
  }),
});

const httpOut: Make = (item, context) => {
  const isSecure = get(item, 'SSLConfig') !== '';
  const port = get(item, 'HTTPPort');
  const url = `${isSecure ? 'https' : 'http'}://${get(item, 'HTTPServer', 'missing')}${port === '' ? '' : `:${port}`}/${get(item, 'URL').replace(/^\//, '')}`;
  if (get(item, 'HTTPServer') === '')
    context.mark(item.name, 'addresses', 'it has no server: it came from system default settings');
  return {
    adapter: 'http-out',
    settings: {
      url,
      timeout: seconds(get(item, 'ResponseTimeout', '30')),
      ...(get(item, 'Credentials') !== '' && {
        credential: context.credential(get(item, 'Credentials')),
      }),
    },
    keys: { retry: retryOf(item) },
  };
};

const mailOut: Make = (item, context) => ({
  adapter: 'smtp-out',
  settings: {
    connect: `${get(item, 'SMTPServer', 'missing')}:${get(item, 'SMTPPort', '25')}`,
    security: get(item, 'SSLConfig') === '' ? 'none' : 'starttls',
    from: get(item, 'From', 'missing@example.org'),
    to: get(item, 'Recipient').split(',').filter(Boolean),
    ...(get(item, 'Credentials') !== '' && {
      credential: context.credential(get(item, 'Credentials')),
    }),
    body: 'text',
  },
});

/** Classes of the product for which there is an adapter. */
export const HOSTS: Readonly<Record<string, Make>> = {
  'EnsLib.HL7.Service.TCPService': mllpIn,
  'EnsLib.HL7.Service.FileService': fileIn,
  'EnsLib.HL7.Service.FTPService': (item, context) => server(item, context, 'in'),
  'EnsLib.HL7.Service.HTTPService': httpIn,
  'EnsLib.File.PassthroughService': fileIn,
  'EnsLib.FTP.PassthroughService': (item, context) => server(item, context, 'in'),
  'EnsLib.HTTP.GenericService': httpIn,
  'EnsLib.HL7.Operation.TCPOperation': mllpOut,
  'EnsLib.HL7.Operation.FileOperation': fileOut,
  'EnsLib.HL7.Operation.FTPOperation': (item, context) => server(item, context, 'out'),
  'EnsLib.HL7.Operation.HTTPOperation': httpOut,
  'EnsLib.File.PassthroughOperation': fileOut,
  'EnsLib.FTP.PassthroughOperation': (item, context) => server(item, context, 'out'),
  'EnsLib.HTTP.GenericOperation': httpOut,
  'EnsLib.EMail.AlertOperation': mailOut,
};

/** Processes that keep their rules in a separate class. */
export const ROUTERS: ReadonlySet<string> = new Set([
  'EnsLib.HL7.MsgRouter.RoutingEngine',
  'EnsLib.MsgRouter.RoutingEngine',
  'EnsLib.MsgRouter.VDocRoutingEngine',
]);
