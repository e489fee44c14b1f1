import { ASSIGNABLE } from '../../../mirth/scope.ts';

/** What scripts may use without a person's help, and why other names need one. */

/** Predefined names that a script may assign to. */
export const ASSIGNED: ReadonlySet<string> = new Set(ASSIGNABLE);

/** What `waybill/mirth` exports under the name that scripts use. */
export const PROVIDED: ReadonlySet<string> = new Set([
  ...ASSIGNABLE,
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
  'com',
  'java',
  'org',
  'ACKGenerator',
  'DatabaseConnectionFactory',
  'FileUtil',
  'HashUtil',
  'JsonUtil',
  'Lists',
  'Maps',
  'SerializerFactory',
  'Status',
  'XmlUtil',
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

/** What JavaScript itself defines. */
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

/** The Java classes, and their members, that `waybill/mirth` imitates. */
const JAVA: readonly string[] = [
  ...['md5', 'sha1', 'sha256', 'sha512'].map((one) => `com.google.common.hash.Hashing.${one}`),
  'java.lang.Boolean',
  'java.lang.Double',
  'java.lang.Exception',
  'java.lang.Float',
  'java.lang.IllegalArgumentException',
  'java.lang.Integer',
  'java.lang.Long',
  'java.lang.RuntimeException',
  'java.lang.String',
  'java.lang.StringBuffer',
  'java.lang.StringBuilder',
  'java.lang.System.currentTimeMillis',
  'java.lang.System.getenv',
  'java.lang.System.lineSeparator',
  'java.net.URLDecoder',
  'java.net.URLEncoder',
  'java.nio.charset.StandardCharsets',
  'java.security.MessageDigest',
  'java.text.SimpleDateFormat',
  'java.util.ArrayList',
  'java.util.Arrays.asList',
  'java.util.Base64',
  'java.util.Collections',
  'java.util.Date',
  'java.util.HashMap',
  'java.util.HashSet',
  'java.util.LinkedHashMap',
  'java.util.LinkedList',
  'java.util.TimeZone.getTimeZone',
  'java.util.TreeMap',
  'java.util.UUID.randomUUID',
  'org.apache.commons.codec.binary.Base64',
  'org.apache.commons.codec.digest.DigestUtils',
  'org.apache.commons.lang.StringUtils',
  'org.apache.commons.lang3.StringUtils',
];

export const isKnownJava = (path: string): boolean =>
  JAVA.some((known) => path === known || path.startsWith(`${known}.`));

/** The path of a class that `importPackage` of these packages makes available by name alone. */
export const importedJava = (name: string, packages: readonly string[]): string | undefined =>
  packages
    .map((one) => `${one}.${name}`)
    .find((path) => JAVA.some((known) => known.startsWith(path)));

/** Full name of a Mirth Connect class → the name that scripts use. */
export const ownJava = (path: string): string | undefined => {
  const [, name = '', rest = ''] =
    /^com\.mirth\.connect\.(?:server\.)?userutil\.(\w+)(.*)$/.exec(path) ?? [];
  return PROVIDED.has(name) ? `${name}${rest}` : undefined;
};

/** Methods of `FileUtil` that have nothing to do with files. */
export const FILELESS: ReadonlySet<string> = new Set([
  'encode',
  'decode',
  'encodeBase64',
  'decodeBase64',
]);

export interface Need {
  /** The kind of work, for the figures of the report. */
  readonly category: string;
  readonly what: string;
}

const NEEDS: Readonly<Record<string, Need>> = {
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
  AttachmentUtil: { category: 'attachments', what: 'works on attachments' },
  addAttachment: { category: 'attachments', what: 'works on attachments' },
  getAttachments: { category: 'attachments', what: 'works on attachments' },
  DICOMUtil: { category: 'DICOM', what: 'works on DICOM objects' },
  ChannelUtil: {
    category: 'steering other channels',
    what: 'starts, stops or asks other channels',
  },
  alerts: { category: 'alerts from a script', what: 'sends an alert; use alert: on the host' },
  AlertSender: { category: 'alerts from a script', what: 'sends an alert; use alert: on the host' },
  eval: { category: 'eval', what: 'runs a text as a script' },
};

export const needOf = (name: string): Need =>
  NEEDS[name] ?? {
    category: 'an unknown name',
    what: `uses ${name}, which no code template of the export defines`,
  };
