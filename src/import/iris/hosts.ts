import { existsOf, fileName } from './file-names.ts';
import { repliesOf } from './reply-actions.ts';
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
  /** The host that an item became. */
  readonly nameOf: (item: string) => string;
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
    keys: sendKeys(item, context),
  };
};

/** Retries, and what answers mean. */
function sendKeys(item: Item, { look }: HostContext): Block {
  const given = get(item, 'ReplyCodeActions');
  const replies = given === '' ? undefined : repliesOf(given);
  if (given !== '' && replies === undefined)
    look(item.name, 'settings', `ReplyCodeActions ${given} is left out: write replies`);
  return { retry: retryOf(item), ...(replies && { replies }) };
}

const retryOf = (item: Item): Block => ({
  every: seconds(get(item, 'RetryInterval', '5')),
  for: seconds(get(item, 'FailureTimeout', '15')),
});

/** An encoding that is not what messages are in anyway. */
function charsetOf(item: Item): Block {
  const given = get(item, 'Charset', get(item, 'DefCharEncoding')).replace(/^!/, '').toLowerCase();
  const name = /^latin-?1$/.test(given) ? 'iso-8859-1' : given;
  return /^(?:|utf-?8|native|raw|binary|auto)$/.test(name) ? {} : { charset: name };
}

const fileIn: Make = (item) => ({
  adapter: 'file-in',
  settings: {
    ...charsetOf(item),
    folder: get(item, 'FilePath', FOLDER),
    pattern: get(item, 'FileSpec', '*').split(';'),
    every: seconds(get(item, 'CallInterval', '5')),
    ...(get(item, 'ArchivePath') !== '' && { archive: get(item, 'ArchivePath') }),
    ...(item.className.includes('Passthrough') && { batch: 'whole' }),
  },
});

const fileOut: Make = (item, context) => ({
  adapter: 'file-out',
  settings: {
    folder: get(item, 'FilePath', FOLDER),
    name: fileName(item, context),
    ...existsOf(item.settings),
  },
  keys: sendKeys(item, context),
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
    keys: sendKeys(item, context),
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
    // the name of an alert is what it is about, in one line
    ...(item.className === 'EnsLib.EMail.AlertOperation' && { subject: '{name}' }),
    body: 'text',
  },
});

const recordFile =
  (direction: 'in' | 'out'): Make =>
  (item, context) => {
    const of = direction === 'in' ? fileIn(item, context) : fileOut(item, context);
    return direction === 'in' ? { ...of, settings: { ...of.settings, type: 'text/plain' } } : of;
  };

const tcpIn: Make = (item, context) => ({
  adapter: 'tcp-in',
  settings: secured(item, context, { listen: tcpAddress(item, context, ['0.0.0.0', 'Port']) }),
});

const tcpOut: Make = (item, context) => ({
  adapter: 'tcp-out',
  settings: secured(item, context, {
    connect: tcpAddress(item, context, [get(item, 'IPAddress', 'missing'), 'Port']),
  }),
  keys: sendKeys(item, context),
});

const astmIn: Make = (item, context) => ({
  adapter: 'astm-in',
  settings: secured(item, context, { listen: tcpAddress(item, context, ['0.0.0.0', 'Port']) }),
});

const astmOut: Make = (item, context) => {
  const partner = get(item, 'PartnerService');
  return {
    adapter: 'astm-out',
    settings:
      partner === ''
        ? { connect: tcpAddress(item, context, [get(item, 'IPAddress', 'missing'), 'Port']) }
        : { through: context.nameOf(partner) },
    keys: sendKeys(item, context),
  };
};

const dicomIn: Make = (item, context) => ({
  adapter: 'dicom-in',
  settings: secured(item, context, {
    listen: tcpAddress(item, context, ['0.0.0.0', 'IPPort']),
    ...(get(item, 'LocalAET') !== '' && { title: get(item, 'LocalAET') }),
    ...(!/^\*?$/.test(get(item, 'RemoteAET')) && { from: [get(item, 'RemoteAET')] }),
  }),
});

const dicomOut: Make = (item, context) => ({
  adapter: 'dicom-out',
  settings: secured(item, context, {
    connect: tcpAddress(item, context, [get(item, 'IPAddress', 'missing'), 'IPPort']),
    title: get(item, 'RemoteAET', 'MISSING'),
    ...(get(item, 'LocalAET') !== '' && { ownTitle: get(item, 'LocalAET') }),
  }),
  keys: sendKeys(item, context),
});

const mqttIn: Make = (item, context) => {
  const url = get(item, 'Url');
  const [, scheme = '', host = 'missing', port = ''] =
    /^(\w+):\/\/([^:/]+)(?::(\d+))?/.exec(url) ?? [];
  const isSecure = /^(?:ssl|mqtts|tls)$/.test(scheme);
  return {
    adapter: 'mqtt-in',
    settings: {
      connect: `${host}:${port || (isSecure ? 8883 : 1883)}`,
      topics: get(item, 'Topic').split(',').filter(Boolean),
      ...(get(item, 'CredentialsName') !== '' && {
        credential: context.credential(get(item, 'CredentialsName')),
      }),
      ...(isSecure && { tls: {} }),
    },
  };
};

/** How a cluster is reached: the same for both directions. Its stores of certificates are files of Java. */
function kafkaCluster(item: Item, { credential, mark }: HostContext): Block {
  const protocol = get(item, 'SecurityProtocol').toUpperCase();
  const mechanism = get(item, 'SASLMechanism', 'PLAIN').toLowerCase();
  const stores = ['TrustStoreLocation', 'KeyStoreLocation']
    .map((name) => get(item, name))
    .filter(Boolean);
  const isSecure = protocol.endsWith('SSL') || stores.length > 0;
  if (isSecure) {
    const files = stores.length === 0 ? '' : ` from ${stores.join(' and ')}`;
    mark(item.name, 'TLS', `write tls, with the certificates${files} in PEM`);
  }
  const isKnown = /^(?:plain|scram-sha-(?:256|512))$/.test(mechanism);
  if (!isKnown) mark(item.name, 'sign-in', `SASL ${mechanism} has no counterpart: write mechanism`);
  return {
    connect: get(item, 'Servers', 'localhost:9092')
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean)
      .map((one) => (/:\d+$/.test(one) ? one : `${one}:9092`)),
    ...(get(item, 'Credentials') !== '' && { credential: credential(get(item, 'Credentials')) }),
    ...(mechanism !== 'plain' && { mechanism: isKnown ? mechanism : 'UNDONE' }),
    ...(isSecure && { tls: 'UNDONE' }),
  };
}

const kafkaIn: Make = (item, context) => {
  const topic = get(item, 'Topic');
  if (topic === '')
    context.mark(item.name, 'settings', 'it has no topic: it came from system default settings');
  const config = get(item, 'ReceiveSettings') + get(item, 'ConsumerConfig');
  const [, start] = /"auto\.offset\.reset"\s*:\s*"(earliest|latest)"/.exec(config) ?? [];
  // by name: a value may be a password
  const others = [...config.matchAll(/"([\w.]+)"\s*:/g)]
    .map(([, name = '']) => name)
    .filter((name) => start === undefined || name !== 'auto.offset.reset');
  if (others.length > 0)
    context.look(
      item.name,
      'settings',
      `settings of its client are left out: ${others.join(', ')}`,
    );
  return {
    adapter: 'kafka-in',
    settings: {
      ...kafkaCluster(item, context),
      topics: topic === '' ? 'UNDONE' : [topic],
      // the brokers keep its position, so it goes on where the old engine was
      ...(get(item, 'GroupID') !== '' && { group: get(item, 'GroupID') }),
      ...(start !== undefined && { start }),
    },
  };
};

/** Each message said its topic and key, as properties of its class. */
const kafkaOut: Make = (item, context) => {
  const what = 'topic and key were properties of each message: write topic, and key if it had one';
  context.mark(item.name, 'settings', what);
  return {
    adapter: 'kafka-out',
    settings: { ...kafkaCluster(item, context), topic: '{UNDONE}' },
    keys: sendKeys(item, context),
  };
};

/** A data source was configured in the instance or at the machine. */
function database(item: Item, { mark, credential }: HostContext): Block {
  mark(
    item.name,
    'databases',
    `its data source ${get(item, 'DSN')} is not in the export: write product, connect and database`,
  );
  return {
    connect: 'UNDONE',
    ...(get(item, 'Credentials') !== '' && { credential: credential(get(item, 'Credentials')) }),
  };
}

const sqlIn: Make = (item, context) => ({
  adapter: 'sql-in',
  settings: {
    ...database(item, context),
    query: get(item, 'Query', 'UNDONE'),
    key: [get(item, 'KeyFieldName', 'ID')],
    every: seconds(get(item, 'CallInterval', '5')),
    ...(get(item, 'DeleteQuery') !== '' && {
      after: [numbered(get(item, 'DeleteQuery'), ['{/ID}'])],
    }),
  },
});

/** Each `?` gets its parameter. */
function numbered(query: string, values: readonly string[]): string {
  let at = 0;
  return query.replaceAll('?', (mark) => values[at++] ?? mark);
}

const sqlOut: Make = (item, context) => {
  const values = get(item, 'InputParameters')
    .split(',')
    .map((one) => one.trim().replace(/^\*/, ''))
    .filter(Boolean)
    .map((name) => `{field("/${name}")}`);
  return {
    adapter: 'sql-out',
    settings: {
      ...database(item, context),
      statements: [numbered(get(item, 'Query', 'UNDONE'), values)],
    },
    keys: sendKeys(item, context),
  };
};

/** Classes of the product for which there is an adapter. */
export const HOSTS: Readonly<Record<string, Make>> = {
  'EnsLib.HL7.Service.TCPService': mllpIn,
  'EnsLib.HL7.Service.FileService': fileIn,
  'EnsLib.HL7.Service.FTPService': (item, context) => server(item, context, 'in'),
  'EnsLib.HL7.Service.HTTPService': httpIn,
  'EnsLib.File.PassthroughService': fileIn,
  'EnsLib.FTP.PassthroughService': (item, context) => server(item, context, 'in'),
  'EnsLib.HTTP.GenericService': httpIn,
  'EnsLib.REST.GenericService': httpIn,
  'EnsLib.TCP.PassthroughService': tcpIn,
  'EnsLib.EDI.X12.Service.FileService': fileIn,
  'EnsLib.EDI.X12.Service.FTPService': (item, context) => server(item, context, 'in'),
  'EnsLib.EDI.EDIFACT.Service.FileService': fileIn,
  'EnsLib.EDI.ASTM.Service.FileService': fileIn,
  'EnsLib.EDI.ASTM.Service.TCPService': astmIn,
  'EnsLib.EDI.XML.Service.FileService': fileIn,
  'EnsLib.DICOM.Service.TCP': dicomIn,
  'EnsLib.DICOM.Service.File': fileIn,
  'EnsLib.MQTT.Service.Passthrough': mqttIn,
  'EnsLib.Kafka.Service': kafkaIn,
  'EnsLib.SQL.Service.GenericService': sqlIn,
  'EnsLib.RecordMap.Service.FileService': recordFile('in'),
  'EnsLib.RecordMap.Service.BatchFileService': recordFile('in'),
  'EnsLib.RecordMap.Service.ComplexBatchFileService': recordFile('in'),
  'EnsLib.RecordMap.Service.FTPService': (item, context) => server(item, context, 'in'),
  'EnsLib.RecordMap.Service.BatchFTPService': (item, context) => server(item, context, 'in'),
  'EnsLib.RecordMap.Service.ComplexBatchFTPService': (item, context) => server(item, context, 'in'),
  'EnsLib.HL7.Operation.TCPOperation': mllpOut,
  'EnsLib.HL7.Operation.FileOperation': fileOut,
  'EnsLib.HL7.Operation.FTPOperation': (item, context) => server(item, context, 'out'),
  'EnsLib.HL7.Operation.HTTPOperation': httpOut,
  'EnsLib.File.PassthroughOperation': fileOut,
  'EnsLib.FTP.PassthroughOperation': (item, context) => server(item, context, 'out'),
  'EnsLib.HTTP.GenericOperation': httpOut,
  'EnsLib.REST.GenericOperation': httpOut,
  'EnsLib.TCP.PassthroughOperation': tcpOut,
  'EnsLib.EDI.X12.Operation.FileOperation': fileOut,
  'EnsLib.EDI.EDIFACT.Operation.FileOperation': fileOut,
  'EnsLib.EDI.ASTM.Operation.FileOperation': fileOut,
  'EnsLib.EDI.ASTM.Operation.TCPOperation': astmOut,
  'EnsLib.EDI.XML.Operation.FileOperation': fileOut,
  'EnsLib.DICOM.Operation.TCP': dicomOut,
  'EnsLib.DICOM.Operation.File': fileOut,
  'EnsLib.Kafka.Operation': kafkaOut,
  'EnsLib.SQL.Operation.GenericOperation': sqlOut,
  'EnsLib.RecordMap.Operation.FileOperation': recordFile('out'),
  'EnsLib.RecordMap.Operation.BatchFileOperation': recordFile('out'),
  'EnsLib.RecordMap.Operation.ComplexBatchFileOperation': recordFile('out'),
  'EnsLib.EMail.AlertOperation': mailOut,
};

/** The adapters of own classes → the host that does their part. */
export const ADAPTERS: Readonly<Record<string, Make>> = {
  'EnsLib.File.InboundAdapter': fileIn,
  'EnsLib.FTP.InboundAdapter': (item, context) => server(item, context, 'in'),
  'EnsLib.HTTP.InboundAdapter': httpIn,
  'EnsLib.TCP.InboundAdapter': tcpIn,
  'EnsLib.SQL.InboundAdapter': sqlIn,
  'EnsLib.MQTT.Adapter.Inbound': mqttIn,
  'EnsLib.Kafka.InboundAdapter': kafkaIn,
  'EnsLib.File.OutboundAdapter': fileOut,
  'EnsLib.FTP.OutboundAdapter': (item, context) => server(item, context, 'out'),
  'EnsLib.HTTP.OutboundAdapter': httpOut,
  'EnsLib.TCP.OutboundAdapter': tcpOut,
  'EnsLib.Kafka.OutboundAdapter': kafkaOut,
  'EnsLib.EMail.OutboundAdapter': mailOut,
};

/** Items that did something for the old engine that nothing here needs. */
export const NOT_NEEDED: Readonly<Record<string, string>> = {
  'Ens.Activity.Operation.Local': 'it counted messages: the trace does',
  'Ens.Activity.Operation.REST': 'it counted messages: the trace does',
  'Ens.Alerting.AlertManager':
    'it kept alerts: the console does, with who has taken them on, comments and history',
  'Ens.Alerting.NotificationManager':
    'it said who is told of an alert: alerts in console.yaml does, by steps, times and who is on call',
  'Ens.Alerting.AlertMonitor':
    'it reminded of alerts that nobody took on: steps of alerts in console.yaml do',
  'EnsLib.JavaGateway.Service': 'it ran Java for other items: what uses it is marked',
  'EnsLib.JavaGateway.Initiator': 'it ran Java for other items: what uses it is marked',
  'Ens.ProductionMonitorService': 'it watched the production: alerts do',
  'Ens.Enterprise.MonitorService': 'it watched other productions: alerts of each do',
  'Ens.Enterprise.MsgBankOperation': 'it copied messages to a bank: the trace keeps them',
  'HS.Util.Trace.Operations': 'it traced: the trace does',
  'EnsLib.Testing.Service': 'it sent messages of people: waybill send and the console do',
};

/** Processes that keep their rules in a separate class. */
export const ROUTERS: ReadonlySet<string> = new Set([
  'EnsLib.HL7.MsgRouter.RoutingEngine',
  'EnsLib.MsgRouter.RoutingEngine',
  'EnsLib.MsgRouter.VDocRoutingEngine',
]);
