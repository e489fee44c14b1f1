import type { XmlNode } from '../../mirth/e4x/node.ts';
import type { Notes } from './drafts.ts';
import { elementsOf, part, partText, textOf } from './read-export.ts';

/** A setting of a connector without a counterpart here, and what a person has to know where it is used. */
interface Left {
  readonly at: string;
  /** The values by which nothing is different here. */
  readonly usual: RegExp | 'empty';
  readonly kind: 'mark' | 'look';
  readonly text: string;
}

const marked = (at: string, usual: Left['usual'], text: string): Left => ({
  at,
  usual,
  kind: 'mark',
  text,
});
const looked = (at: string, usual: Left['usual'], text: string): Left => ({
  ...marked(at, usual, text),
  kind: 'look',
});

const NO = /^(false|)$/;
const NOTHING = /^$/;
/** As new connectors have it: what is not JSON or XML. */
const BINARY_TYPES = /^(|application\/\.\*\(\?<!json\|xml\)\$\|.*|application\/, image\/.*)$/;
const BASE64 = 'bodies of these types were Base64 to the channel: here they are text';
const OF_A_MAP = 'come from a map of the message: write each with its value';
const BYTES = 'turns Base64 into bytes, or bytes into Base64: do that in a process';

const ADVANCED = 'pollConnectorProperties/pollConnectorPropertiesAdvanced';

const SOURCE: readonly Left[] = [
  marked(
    `${ADVANCED}/allDay`,
    /^(true|)$/,
    'polls only between two times of the day: write that as schedule',
  ),
  marked(
    `${ADVANCED}/weekly`,
    /^(true|)$/,
    'polls only on one day of the month: write that as schedule',
  ),
  marked(
    `${ADVANCED}/inactiveDays`,
    /^(?:false)*$/,
    'does not poll on some days of the week: write that as schedule',
  ),
  looked(
    'sourceConnectorProperties/respondAfterProcessing',
    /^(true|)$/,
    'the sender was answered before the message was processed: with an answer of a destination or script it waits for that here',
  ),
];

const DESTINATION: readonly Left[] = [
  looked(
    'destinationConnectorProperties/threadAssignmentVariable',
    NOTHING,
    'messages with the same value of a variable stayed in order: order: by-key, with a key',
  ),
];

const LEFT: Readonly<Record<string, readonly Left[]>> = {
  'TCP Listener': [
    marked('dataTypeBinary', NO, BYTES),
    marked(
      'respondOnNewConnection',
      /^(0|SAME_CONNECTION|EACH_MESSAGE|)$/,
      'answers over a connection of its own: send the answer by an operation',
    ),
    marked(
      'transmissionModeProperties/useMLLPv2',
      NO,
      'acknowledges each frame by the bytes of MLLP 2, which no adapter does',
    ),
  ],
  'TCP Sender': [
    marked('dataTypeBinary', NO, BYTES),
    marked(
      'transmissionModeProperties/useMLLPv2',
      NO,
      'waits for the bytes of MLLP 2 after each frame, which no adapter does',
    ),
  ],
  'HTTP Listener': [
    marked('responseDataTypeBinary', NO, BYTES),
    looked('binaryMimeTypes', BINARY_TYPES, BASE64),
    looked('responseHeadersVariable', NOTHING, 'headers of the answer were left out'),
  ],
  'HTTP Sender': [
    marked('dataTypeBinary', NO, BYTES),
    marked('useHeadersVariable', NO, `its headers ${OF_A_MAP}`),
    marked('useParametersVariable', NO, `its parameters ${OF_A_MAP}`),
    marked(
      'responseXmlBody',
      NO,
      'its response scripts read the whole answer as XML: here they get its body',
    ),
    looked('useProxyServer', NO, 'requests went through a proxy: see the proxy of the environment'),
    looked('responseBinaryMimeTypes', BINARY_TYPES, BASE64),
  ],
  'Web Service Sender': [
    marked('headers', 'empty', 'sends headers of its own: write them under headers'),
    marked('isUseHeadersVariable', NO, `its headers ${OF_A_MAP}`),
    marked('useHeadersVariable', NO, `its headers ${OF_A_MAP}`),
  ],
  'SMTP Sender': [
    marked('headers', 'empty', 'sends headers of its own, which smtp-out cannot'),
    marked('isUseHeadersVariable', NO, `its headers ${OF_A_MAP}`),
    marked('replyTo', NOTHING, 'names an address for replies, which smtp-out cannot'),
  ],
  'File Reader': [
    looked('ignoreDot', /^(true|)$/, 'files whose names begin with a dot were read, too'),
    looked('sortBy', /^(date|name|)$/, 'files were taken by their size: here the oldest first'),
    looked('moveToFileName', /^(\$\{originalFilename\}|)$/, 'a file got another name when moved'),
    looked(
      'errorReadingAction',
      /^(NONE|MOVE|)$/,
      'a file that could not be read was deleted: here it is kept',
    ),
    marked('fileSizeMinimum', /^0*$/, 'leaves small files where they are: that is no setting here'),
    marked(
      'ignoreFileSizeMaximum',
      /^(true|)$/,
      'leaves large files where they are: that is no setting here',
    ),
  ],
};

/** Reports the settings of a connector that do something for which there is nothing here. */
export function leftOut(
  transport: string,
  properties: XmlNode | undefined,
  side: 'source' | 'destination',
  { add }: Pick<Notes, 'add'>,
): void {
  const shared = side === 'source' ? SOURCE : DESTINATION;
  for (const { at, usual, kind, text } of [...shared, ...(LEFT[transport] ?? [])]) {
    const of = part(properties, at);
    const isUsual = usual === 'empty' ? elementsOf(of).length === 0 : usual.test(valueAt(of));
    if (!isUsual) add({ kind, category: 'settings without a counterpart', text });
  }
  const tls = elementsOf(part(properties, 'pluginProperties')).find(({ name }) =>
    name.endsWith('SSLConnectorPluginProperties'),
  );
  if (/^true$/i.test(partText(tls, 'enabled').trim()))
    add({
      kind: 'mark',
      category: 'TLS',
      text: 'uses TLS with certificates of the SSL manager, which are not in the export: give them under tls',
    });
}

/** The text of a setting; of a list, its values together. */
function valueAt(of: XmlNode | undefined): string {
  const items = elementsOf(of);
  if (items.length > 0) return items.map(valueAt).join('');
  return textOf(of).trim();
}
