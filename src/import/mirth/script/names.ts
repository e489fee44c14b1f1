/** What scripts may use without a person's help, and why other names need one. */

/** What `waybill/mirth` exports under the name that scripts know. */
export const PROVIDED: ReadonlySet<string> = new Set([
  'msg',
  'tmp',
  'message',
  'response',
  'responseStatus',
  'responseStatusMessage',
  'responseErrorMessage',
  'channelId',
  'channelName',
  'channelMap',
  'connectorMap',
  'sourceMap',
  'responseMap',
  'globalMap',
  'globalChannelMap',
  'configurationMap',
  'connectorMessage',
  'destinationSet',
  'logger',
  'router',
  'VMRouter',
  'RawMessage',
  'validate',
  'createSegment',
  'createSegmentAfter',
  'getArrayOrXmlLength',
  'newStringOrUndefined',
  'XML',
  'XMLList',
  'Namespace',
  'DateUtil',
  'UUIDGenerator',
  'Response',
  'ResponseFactory',
  'java',
  'RECEIVED',
  'FILTERED',
  'TRANSFORMED',
  'SENT',
  'QUEUED',
  'ERROR',
  'PENDING',
  '$',
  '$c',
  '$co',
  '$s',
  '$r',
  '$g',
  '$gc',
  '$cfg',
]);

/** What a script may assign to although it is given. */
export const ASSIGNABLE: ReadonlySet<string> = new Set([
  'msg',
  'tmp',
  'message',
  'response',
  'responseStatus',
  'responseStatusMessage',
  'responseErrorMessage',
]);

/** What JavaScript itself has. */
export const STANDARD: ReadonlySet<string> = new Set([
  'Object',
  'Array',
  'String',
  'Number',
  'Boolean',
  'Date',
  'Math',
  'JSON',
  'RegExp',
  'Function',
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'ReferenceError',
  'EvalError',
  'URIError',
  'parseInt',
  'parseFloat',
  'isNaN',
  'isFinite',
  'undefined',
  'NaN',
  'Infinity',
  'arguments',
  'encodeURIComponent',
  'decodeURIComponent',
  'encodeURI',
  'decodeURI',
  'escape',
  'unescape',
  'Map',
  'Set',
  'WeakMap',
  'WeakSet',
  'Symbol',
  'Promise',
  'Proxy',
  'Reflect',
  'BigInt',
]);

/** The classes of Java that `waybill/mirth` stands in for. */
const JAVA: readonly string[] = [
  'java.lang.Integer.parseInt',
  'java.lang.String',
  'java.lang.System.currentTimeMillis',
  'java.lang.System.getenv',
  'java.text.SimpleDateFormat',
  'java.util.ArrayList',
  'java.util.Date',
  'java.util.HashMap',
  'java.util.TimeZone.getTimeZone',
  'java.util.UUID.randomUUID',
];

export const isKnownJava = (path: string): boolean =>
  JAVA.some((known) => path === known || path.startsWith(`${known}.`));

export interface Need {
  /** What kind of work it is, for the figures of the report. */
  readonly category: string;
  readonly what: string;
}

const DATABASE = 'a database in a script';

const NEEDS: Readonly<Record<string, Need>> = {
  DatabaseConnectionFactory: {
    category: DATABASE,
    what: 'asks a database; let an operation of its own do it, and call it from a process',
  },
  FileUtil: {
    category: 'files in a script',
    what: 'works on files; let file-in or file-out do it',
  },
  HTTPUtil: {
    category: 'web requests in a script',
    what: 'works on web requests; let http-out do it',
  },
  SMTPConnectionFactory: { category: 'mail in a script', what: 'sends mail; let smtp-out do it' },
  SMTPConnection: { category: 'mail in a script', what: 'sends mail; let smtp-out do it' },
  SerializerFactory: {
    category: 'serializers in a script',
    what: 'reads or writes another kind of data; use a transform',
  },
  AttachmentUtil: { category: 'attachments', what: 'works on attachments' },
  addAttachment: { category: 'attachments', what: 'works on attachments' },
  getAttachments: { category: 'attachments', what: 'works on attachments' },
  DICOMUtil: { category: 'DICOM', what: 'works on DICOM objects' },
  ChannelUtil: {
    category: 'steering other channels',
    what: 'starts, stops or asks other channels',
  },
  alerts: { category: 'alerts from a script', what: 'sends an alert; use alert: of the host' },
  AlertSender: { category: 'alerts from a script', what: 'sends an alert; use alert: of the host' },
  XmlUtil: { category: 'serializers in a script', what: 'turns XML into JSON or prints it' },
  JsonUtil: { category: 'serializers in a script', what: 'turns JSON into XML or prints it' },
  eval: { category: 'eval', what: 'runs a text as a script' },
};

export const needOf = (name: string): Need =>
  NEEDS[name] ?? {
    category: 'an unknown name',
    what: `uses ${name}, which no code template of the export defines`,
  };

/** Names of what must not stand in a file. */
export const SECRET = /passw|pwd|passphrase|secret|token|api[-_]?key|authorization|credential/i;

/** Texts that hold a secret by themselves. */
export const SECRET_TEXT =
  /(?:passw(?:or)?d|pwd|secret|token|api[-_]?key)=[^&;\s]+|:\/\/[^/:@\s]+:[^@/\s]+@|^(?:Basic|Bearer) \S{6,}/i;
