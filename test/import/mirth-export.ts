/** Exports of Mirth Connect as it writes them, made for the tests. */

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const CLASS = 'com.mirth.connect';

export interface TransformerDraft {
  readonly inbound?: string;
  readonly outbound?: string;
  readonly steps?: readonly string[];
  readonly template?: string;
  /** The settings of its data type, as XML. */
  readonly inboundProperties?: string;
}

export interface DestinationDraft {
  readonly name: string;
  readonly transport: string;
  readonly properties: string;
  readonly rules?: readonly string[];
  readonly transformer?: TransformerDraft;
  readonly responseSteps?: readonly string[];
  /** Whether it waits for the destination before it, which is the default. */
  readonly waits?: boolean;
}

export interface ChannelDraft {
  readonly id?: string;
  readonly name: string;
  readonly version?: string;
  readonly transport: string;
  readonly properties: string;
  readonly rules?: readonly string[];
  readonly transformer?: TransformerDraft;
  readonly destinations: readonly DestinationDraft[];
  readonly pre?: string;
  readonly post?: string;
  readonly more?: string;
}

export const javaScript = (name: string, script: string): string =>
  `<${CLASS}.plugins.javascriptstep.JavaScriptStep><name>${name}</name><sequenceNumber>0</sequenceNumber><enabled>true</enabled><script>${escaped(script)}</script></${CLASS}.plugins.javascriptstep.JavaScriptStep>`;

export const mapper = (variable: string, mapping: string, otherwise = ''): string =>
  `<${CLASS}.plugins.mapper.MapperStep><name>${variable}</name><variable>${variable}</variable><mapping>${escaped(mapping)}</mapping><defaultValue>${escaped(otherwise)}</defaultValue><replacements/><scope>CHANNEL</scope></${CLASS}.plugins.mapper.MapperStep>`;

export const messageBuilder = (target: string, mapping: string): string =>
  `<${CLASS}.plugins.messagebuilder.MessageBuilderStep><name>build</name><messageSegment>${escaped(target)}</messageSegment><mapping>${escaped(mapping)}</mapping><defaultValue/><replacements/></${CLASS}.plugins.messagebuilder.MessageBuilderStep>`;

export const iterator = (target: string, children: readonly string[]): string =>
  `<${CLASS}.model.IteratorStep><name>For each</name><enabled>true</enabled><properties><target>${escaped(target)}</target><indexVariable>i</indexVariable><children>${children.join('')}</children></properties></${CLASS}.model.IteratorStep>`;

export const ruleBuilder = (
  field: string,
  condition: string,
  values: readonly string[],
  operator = 'NONE',
): string =>
  `<${CLASS}.plugins.rulebuilder.RuleBuilderRule><name>rule</name><enabled>true</enabled><operator>${operator}</operator><field>${escaped(field)}</field><condition>${condition}</condition><values>${values.map((one) => `<string>${escaped(one)}</string>`).join('')}</values></${CLASS}.plugins.rulebuilder.RuleBuilderRule>`;

/** Passes if one iteration does, or only if each does. */
export const iteratorRule = (target: string, children: readonly string[], isAll = false): string =>
  `<${CLASS}.model.IteratorRule><name>For any</name><enabled>true</enabled><properties><target>${escaped(target)}</target><indexVariable>i</indexVariable><intersectIterations>${isAll}</intersectIterations><breakEarly>true</breakEarly><children>${children.join('')}</children></properties></${CLASS}.model.IteratorRule>`;

export const javaScriptRule = (script: string): string =>
  `<${CLASS}.plugins.javascriptrule.JavaScriptRule><name>rule</name><enabled>true</enabled><operator>AND</operator><script>${escaped(script)}</script></${CLASS}.plugins.javascriptrule.JavaScriptRule>`;

const transformer = (
  tag: string,
  {
    inbound = 'HL7V2',
    outbound = inbound,
    steps = [],
    template = '',
    inboundProperties = '',
  }: TransformerDraft,
): string =>
  `<${tag}>${inboundProperties}<elements>${steps.join('')}</elements><inboundDataType>${inbound}</inboundDataType><outboundDataType>${outbound}</outboundDataType><outboundTemplate encoding="base64">${Buffer.from(template).toString('base64')}</outboundTemplate></${tag}>`;

const filter = (rules: readonly string[] = []): string =>
  `<filter><elements>${rules.join('')}</elements></filter>`;

const QUEUE =
  '<destinationConnectorProperties><queueEnabled>false</queueEnabled><retryIntervalMillis>10000</retryIntervalMillis><retryCount>3</retryCount><rotate>false</rotate><threadCount>1</threadCount></destinationConnectorProperties>';

const destination = (one: DestinationDraft, number: number): string =>
  `<connector><metaDataId>${number}</metaDataId><name>${one.name}</name><properties>${QUEUE}${one.properties}</properties>${transformer('transformer', one.transformer ?? {})}${transformer('responseTransformer', { steps: one.responseSteps ?? [] })}${filter(one.rules)}<transportName>${one.transport}</transportName><enabled>true</enabled><waitForPrevious>${one.waits ?? true}</waitForPrevious></connector>`;

export function channelXml(of: ChannelDraft): string {
  const { version = '4.5.2', id = of.name, destinations } = of;
  return `<channel version="${version}"><id>${id}</id><name>${of.name}</name><sourceConnector><metaDataId>0</metaDataId><name>sourceConnector</name><properties>${of.properties}</properties>${transformer('transformer', of.transformer ?? {})}${filter(of.rules)}<transportName>${of.transport}</transportName></sourceConnector><destinationConnectors>${destinations.map((one, index) => destination(one, index + 1)).join('')}</destinationConnectors><preprocessingScript>${escaped(of.pre ?? 'return message;')}</preprocessingScript><postprocessingScript>${escaped(of.post ?? '// nothing\nreturn;')}</postprocessingScript><deployScript>return;</deployScript><undeployScript>return;</undeployScript>${of.more ?? '<properties/>'}</channel>`;
}

export const answersWith = (variable: string): string =>
  `<sourceConnectorProperties><responseVariable>${variable}</responseVariable></sourceConnectorProperties>`;

export const mllpListener = (
  port: number,
  response = 'Auto-generate (After source transformer)',
): string =>
  `<listenerConnectorProperties><host>0.0.0.0</host><port>${port}</port></listenerConnectorProperties>${answersWith(response)}<serverMode>true</serverMode>`;

export const mllpSender = (template = '${message.encodedData}'): string =>
  `<remoteAddress>ward.example</remoteAddress><remotePort>2575</remotePort><responseTimeout>5000</responseTimeout><keepConnectionOpen>true</keepConnectionOpen><template>${escaped(template)}</template>`;

export const fileWriter = (pattern: string, template = '${message.encodedData}'): string =>
  `<scheme>FILE</scheme><host>/tmp/out</host><outputPattern>${pattern}</outputPattern><outputAppend>false</outputAppend><errorOnExists>false</errorOnExists><template>${escaped(template)}</template>`;
